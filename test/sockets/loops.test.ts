import { networkInterfaces } from 'node:os';
import { endpointOf, type Endpoint } from '../../src/sockets/endpoint.js';
import { wouldLoop } from '../../src/sockets/responders/loops.js';

const udp = (address: string, port: number): Endpoint => endpointOf(address, port);
const unix = (path: string): Endpoint => ({ family: 'unix', path });

it('services that answer everything are known by their port, RFC 862 and 864 to 868', () => {
  for (const port of [7, 13, 17, 19, 37]) expect(wouldLoop(udp('192.0.2.1', port), [])).toBe(true);
  for (const port of [9, 53, 4007]) expect(wouldLoop(udp('192.0.2.1', port), [])).toBe(false);
});

it('a responder of ours is known by every address that it can send from', () => {
  const own = [udp('0.0.0.0', 4000), udp('::', 4001), unix('/run/a.sock')];
  expect(wouldLoop(udp('127.0.0.1', 4000), own)).toBe(true);
  expect(wouldLoop(udp('::ffff:127.0.0.1', 4001), own)).toBe(true);
  expect(wouldLoop(unix('/run/a.sock'), own)).toBe(true);
  expect(wouldLoop(unix('/run/b.sock'), own)).toBe(false);
  expect(wouldLoop(udp('192.0.2.1', 4000), own)).toBe(false);
  expect(wouldLoop(udp('127.0.0.1', 4002), own)).toBe(false);
  for (const { address } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
    expect(wouldLoop(udp(address, 4000), own)).toBe(true);
});

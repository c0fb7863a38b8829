import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { startApplication, type RunningApplication } from '../support/application.js';
import { type SocketView } from '../support/service.js';
import { encode, StreamClient, terminateClients } from '../support/ws-client.js';

const RECORD_HEADER = 16;
/** More than a UDP datagram over IPv4 can hold: the kernel says EMSGSIZE. */
const TOO_LARGE = 65_508;
const CREDIT = 1024 * 1024;

let application: RunningApplication;

beforeAll(async () => {
  application = await startApplication();
});
afterAll(async () => {
  terminateClients();
  await application.close();
});

function record(bytes: number): Buffer {
  const header = Buffer.alloc(RECORD_HEADER);
  header.writeUInt32BE(bytes, 0);
  return Buffer.concat([header, Buffer.alloc(bytes)]);
}

it('what the kernel refuses gives its credit back: a channel of datagrams does not come to a stop', async () => {
  const peer = createSocket('udp4').bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const answer = await fetch(`${application.url}/v1/clients`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ protocol: 'udp', host: '127.0.0.1', port: peer.address().port }),
  });
  const { id } = (await answer.json()) as SocketView;
  const client = await StreamClient.open(application);
  const { channel } = await client.attach({ socketId: id });
  const refused = record(TOO_LARGE);
  let credit = (await client.message('credit', channel)).data.bytes!;
  expect(credit).toBe(CREDIT);
  let sent = 0;
  while (sent < 2 * CREDIT) {
    while (credit < refused.length) credit += (await client.message('credit', channel)).data.bytes!;
    client.ws.send(encode(channel, refused, 2));
    credit -= refused.length;
    sent += refused.length;
    expect((await client.message('error', channel)).data).toMatchObject({ code: 'EMSGSIZE' });
  }
  peer.close();
});

import { Tickets, TICKET_MS } from '../../src/modules/auth/tickets.js';
import type { TicketDto } from '../../src/modules/tickets/tickets.dto.js';
import { startApi, type Api } from '../support/api.js';
import { upgradeStatus } from '../support/ws-client.js';

const KEY = 'ops.0123456789abcdef0123456789abcdef';

let open: Api;
let locked: Api;
beforeAll(async () => {
  open = await startApi();
  locked = await startApi({ SOCKEYE_API_KEYS: KEY });
});
afterAll(async () => {
  await open.close();
  await locked.close();
});

async function ticketOf(api: Api): Promise<string> {
  const { status, body, headers } = await api.post<TicketDto>(
    '/v1/tickets',
    {},
    { headers: { authorization: `Bearer ${KEY}` } },
  );
  expect([status, headers['cache-control']]).toEqual([201, 'no-store']);
  expect(Math.abs(Date.parse(body.expiresAt) - Date.now() - TICKET_MS)).toBeLessThan(5000);
  return body.ticket;
}

/** 101, or the status of the refusal. */
async function upgrade(api: Api, path: string): Promise<number> {
  return (await upgradeStatus(api.application, path)).status;
}

it.each(['/v1/stream?', '/v1/pipe?host=127.0.0.1&port=9&'])('opens %s once', async (path) => {
  for (const api of [open, locked]) {
    const ticket = await ticketOf(api);
    expect(await upgrade(api, `${path}ticket=${ticket}`)).toBe(101);
    expect(await upgrade(api, `${path}ticket=${ticket}`)).toBe(401);
  }
});

it('is worth nothing elsewhere, and what is none opens nothing', async () => {
  const ticket = await ticketOf(locked);
  expect((await locked.get('/v1/sockets', { ticket })).status).toBe(401);
  for (const wrong of ['', 'x', `${ticket}x`, await ticketOf(open)])
    expect(await upgrade(locked, `/v1/stream?ticket=${wrong}`)).toBe(401);
  expect(await upgrade(locked, '/v1/stream')).toBe(401);
  expect(await upgrade(locked, `/v1/stream?ticket=${ticket}`)).toBe(101);
});

it('can only be had with a key', async () => {
  expect((await locked.post('/v1/tickets', {})).status).toBe(401);
});

describe('the set of tickets', () => {
  let now = 0;
  const refusal = (type: string): Error => expect.objectContaining({ type }) as Error;

  it('knows whom each stands for, until it is used or too old', () => {
    const tickets = new Tickets(() => now);
    const [mine, theirs, late] = [tickets.issue('ops'), tickets.issue('ci'), tickets.issue(null)];
    expect(late.expiresAt).toBe(now + TICKET_MS);
    expect(tickets.redeem(theirs.ticket)).toBe('ci');
    expect(tickets.redeem(mine.ticket)).toBe('ops');
    expect(() => tickets.redeem(mine.ticket)).toThrow(refusal('unauthorized'));
    now += TICKET_MS;
    expect(() => tickets.redeem(late.ticket)).toThrow(refusal('unauthorized'));
  });

  it('is bounded, and has room again when the old ones have run out', () => {
    const tickets = new Tickets(() => now);
    for (let i = 0; i < 10_000; i++) tickets.issue(null);
    expect(() => tickets.issue(null)).toThrow(refusal('quota-exceeded'));
    now += TICKET_MS;
    expect(tickets.redeem(tickets.issue('ops').ticket)).toBe('ops');
  });
});

import { WebSocket } from 'ws';
import { connect, type Connection } from '../../clients/typescript/src/index.js';
import { stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { Way } from '../support/way.js';

interface Cuttable {
  service: Service;
  way: Way;
  connection: Connection;
}

/** A service for the test file, and for each test a connection over a way to it that can be cut. */
export function cuttable(): Readonly<Cuttable> {
  const at = {} as Cuttable;
  beforeAll(async () => {
    at.service = await startService();
  });
  beforeEach(async () => {
    at.way = await Way.to(at.service.port);
    const reconnect = { initialDelayMs: 5, maxDelayMs: 20 };
    at.connection = await connect(at.way.url, { WebSocket, reconnect });
  });
  afterEach(async () => {
    at.connection.close();
    await at.way.close();
  });
  afterAll(stopPrograms);
  return at;
}

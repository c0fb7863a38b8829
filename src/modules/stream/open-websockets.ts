import type { Socket } from 'node:net';
import { Injectable, type BeforeApplicationShutdown, Inject } from '@nestjs/common';
import { WebSocket } from 'ws';
import { takenByPeer } from '../../sockets/index.js';
import { CONFIGURATION, type Configuration } from '../config/configuration.js';
import { CLOSE_GOING_AWAY } from './close-codes.js';

const PING_EVERY_MS = 15_000;
/** No pong for this many pings: the client is gone. */
const MISSED_PONGS = 3;
/** How long a client may take to answer the close at the end. */
const CLOSE_ANSWER_MS = 2_000;

interface Life {
  readonly socket: Socket;
  /** Pings without an answer. */
  missed: number;
  /** Bytes that had reached the client when it was asked last. */
  taken: number;
}

/** All WebSockets of all gateways: keeps asking whether they are alive, and ends them in order. */
@Injectable()
export class OpenWebSockets implements BeforeApplicationShutdown {
  private readonly lives = new Map<WebSocket, Life>();
  private readonly heartbeat = setInterval(() => this.ping(), PING_EVERY_MS).unref();
  private stopping = false;

  constructor(@Inject(CONFIGURATION) private readonly configuration: Configuration) {}

  add(webSocket: WebSocket, socket: Socket): void {
    const life: Life = { socket, missed: 0, taken: 0 };
    this.lives.set(webSocket, life);
    webSocket.on('pong', () => (life.missed = 0));
    webSocket.once('close', () => this.lives.delete(webSocket));
    // ws reports what broke the connection, then closes it: 'close' is what counts.
    webSocket.on('error', () => undefined);
    if (this.stopping) webSocket.close(CLOSE_GOING_AWAY, 'shutdown');
  }

  /** 1001 to all, after what was on its way has left; who does not answer is cut off. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    clearInterval(this.heartbeat);
    const open = [...this.lives.keys()];
    const closed = open.map(
      (webSocket) => new Promise<void>((resolve) => webSocket.once('close', () => resolve())),
    );
    for (const webSocket of open) {
      if (webSocket.isPaused) webSocket.resume();
      webSocket.close(CLOSE_GOING_AWAY, 'shutdown');
    }
    const patienceMs = Math.min(CLOSE_ANSWER_MS, this.configuration.drainMs);
    const cut = setTimeout(() => open.forEach((webSocket) => webSocket.terminate()), patienceMs);
    await Promise.all(closed);
    clearTimeout(cut);
  }

  private ping(): void {
    for (const [webSocket, life] of this.lives) {
      if (webSocket.readyState !== WebSocket.OPEN) continue;
      const taken = takenByPeer(life.socket);
      // While its messages are not read, its pongs are not either: it lives if it takes what is sent to it.
      if (webSocket.isPaused && taken > life.taken) life.missed = 0;
      else if (life.missed >= MISSED_PONGS) webSocket.terminate();
      else life.missed += 1;
      life.taken = taken;
      webSocket.ping();
    }
  }
}

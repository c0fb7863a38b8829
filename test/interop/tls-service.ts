/** A service with a certificate of its own, and what tests of TLS ask of it. */
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { listen } from '../http/steps.js';
import { startApi, type Answer, type Api } from '../support/api.js';
import { Authority, identityOf, type Certificate } from '../support/certificates.js';
import { stopPrograms } from '../support/peers.js';
import { terminateClients } from '../support/ws-client.js';

export class TlsService {
  private constructor(
    readonly api: Api,
    readonly authority: Authority,
    readonly server: Certificate,
  ) {}

  /** Needs openssl. */
  static async start(): Promise<TlsService> {
    const authority = new Authority('Test CA');
    const server = authority.sign('localhost', { subjectAltName: 'DNS:localhost,IP:127.0.0.1' });
    return new TlsService(await startApi(), authority, server);
  }

  async stop(): Promise<void> {
    terminateClients();
    await stopPrograms();
    await this.api.close();
    this.authority.remove();
  }

  listen(tls: object = {}, spec: object = {}): Promise<ListenerDto> {
    return listen(this.api, { protocol: 'tls', tls: { ...identityOf(this.server), ...tls }, ...spec });
  }

  connect(port: number, tls: object = {}, spec: object = {}): Promise<Answer<SocketDto>> {
    const asked = { ca: this.authority.ca, ...tls };
    const body = { protocol: 'tls', host: 'localhost', port, tls: asked, ...spec };
    return this.api.post<SocketDto>('/v1/clients', body);
  }

  async connectionOf(listener: ListenerDto): Promise<SocketDto> {
    return this.api.application.eventually('the connection is accepted', async () => {
      const { body } = await this.api.get<SocketListDto>(`/v1/listeners/${listener.id}/connections`);
      return body.items[0] ?? null;
    });
  }

  send(id: string, bytes: Buffer | string): Promise<Answer<unknown>> {
    return this.api.post(`/v1/sockets/${id}/data`, Buffer.from(bytes));
  }

  async receive(id: string, bytes: number): Promise<string> {
    let text = '';
    while (text.length < bytes) {
      const body = { waitMs: 5000, maxBytes: bytes - text.length, encoding: 'latin1' };
      const answer = await this.api.post<DataAnswer>(`/v1/sockets/${id}/receive`, body);
      if (answer.body.bytes === 0) throw new Error(`${id}: only ${JSON.stringify(text)}`);
      text += answer.body.data;
    }
    return text;
  }
}

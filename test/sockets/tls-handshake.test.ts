import { once } from 'node:events';
import { connect } from 'node:net';
import { Engine } from '../../src/sockets/index.js';
import { Authority, describeWithOpenssl } from '../support/certificates.js';
import { portOf } from '../support/ends.js';

describeWithOpenssl('the handshake of a listener', () => {
  it('has a deadline: a peer that says nothing is sent away, and its place is free', async () => {
    const authority = new Authority('Test CA');
    const { certificate, key } = authority.sign('localhost');
    authority.remove();
    const policy = {
      protectedMode: true,
      egressAllow: [],
      egressDeny: [],
      bindAllow: [],
      bindPorts: { from: 1024, to: 65_535 },
      allowMetadata: false,
    };
    const engine = new Engine({ limits: { handshakeMs: 100 }, policy });
    try {
      const listener = await engine.listen({
        host: '127.0.0.1',
        port: 0,
        backlog: 511,
        ipv6Only: false,
        options: [],
        maxConnections: 1000,
        acceptCount: null,
        idleTimeoutMs: 0,
        tls: {
          certificate,
          key,
          ca: null,
          requestClientCertificate: false,
          requireClientCertificate: false,
          alpn: [],
          minVersion: 'TLSv1.2',
          sni: [],
        },
        receive: { windowBytes: 65_536, overflow: 'pause', lingerMs: 60_000, readerTtlMs: null },
        name: null,
        labels: {},
        leaseMs: null,
      });
      const silent = connect(portOf(listener), '127.0.0.1').resume();
      silent.on('error', () => undefined);
      await once(silent, 'close');
      expect(listener.handshakes).toMatchObject({
        inProgress: 0,
        failed: 1,
        lastFailure: { error: { code: 'ETIMEDOUT' } },
      });
      expect(listener.open).toBe(0);
    } finally {
      await engine.close();
    }
  });
});

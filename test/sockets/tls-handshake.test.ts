import { once } from 'node:events';
import { connect } from 'node:net';
import { Engine } from '../../src/sockets/index.js';
import { Authority, describeWithOpenssl } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { POLICY, TCP_LISTENER } from '../support/engine.js';

describeWithOpenssl('the handshake of a listener', () => {
  it('has a deadline: a peer that says nothing is sent away, and its place is free', async () => {
    const authority = new Authority('Test CA');
    const { certificate, key } = authority.sign('localhost');
    authority.remove();
    const engine = new Engine({ limits: { handshakeMs: 100 }, policy: POLICY });
    try {
      const listener = await engine.listen({
        ...TCP_LISTENER,
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

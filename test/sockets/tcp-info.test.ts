import { decodeTcpInfo } from '../../src/sockets/options/tcp-info.js';

/** struct tcp_info with one byte that says where it stands in each word. */
function info(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes[0] = 1;
  return bytes;
}

it('shows as much as the kernel has written', () => {
  const bytes = info(148);
  bytes.writeUInt32LE(1460, 16);
  bytes.writeUInt32LE(1234, 68);
  bytes.writeBigUInt64LE(5_000_000_000n, 120);
  expect(decodeTcpInfo(bytes)).toMatchObject({
    state: 'ESTABLISHED',
    sndMssBytes: 1460,
    rttMs: 1.234,
    bytesAcked: 5_000_000_000,
    // From byte 148 on: kernels since 4.6.
    minRttMs: null,
    deliveryRate: null,
  });
  expect(decodeTcpInfo(Buffer.alloc(0))).toMatchObject({ state: null, rttMs: null, retransmits: null });
});

it('takes all ones for not known', () => {
  const bytes = info(232);
  bytes.fill(0xff, 104, 112);
  bytes.fill(0xff, 148, 152);
  expect(decodeTcpInfo(bytes)).toMatchObject({ pacingRate: null, minRttMs: null, deliveryRate: 0 });
});

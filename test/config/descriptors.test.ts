import { descriptorShares } from '../../src/modules/config/descriptors.js';

test('sockets and the control port stay under the limit together', () => {
  expect(descriptorShares(10_000, 20_000)).toEqual({ sockets: 10_000, control: 9_872 });
  expect(descriptorShares(10_000, 1_024)).toEqual({ sockets: 832, control: 64 });
  expect(descriptorShares(10_000, Infinity)).toEqual({ sockets: 10_000, control: Infinity });
});

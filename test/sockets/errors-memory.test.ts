import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SocketError } from '../../src/sockets/errors.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Something large, or secret, on the way to an error. */
class Holder {
  fail(): SocketError {
    return new SocketError('ECONNRESET', 'read ECONNRESET');
  }

  failInNode(): SocketError {
    return SocketError.fromSystem(this.systemError());
  }

  private systemError(): Error {
    return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  }
}

function failed(way: 'fail' | 'failInNode'): { error: SocketError; held: WeakRef<Holder> } {
  const holder = new Holder();
  return { error: holder[way](), held: new WeakRef(holder) };
}

describe('an error that a record keeps', () => {
  it.each(['fail', 'failInNode'] as const)('holds nothing of the way to it: %s', async (way) => {
    const { error, held } = failed(way);
    // A WeakRef holds what it was made from until the turn is over.
    await new Promise(setImmediate);
    collectGarbage();
    expect(held.deref()).toBeUndefined();
    expect(error.stack).toContain('SocketError: ');
  });
});

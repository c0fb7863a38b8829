import { SocketError } from '../../src/sockets/errors.js';
import { interleave, race } from '../../src/sockets/connect/happy-eyeballs.js';

const DELAY_MS = 250;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('the order of addresses', () => {
  const four = (address: string) => ({ address, family: 'ipv4' }) as const;
  const six = (address: string) => ({ address, family: 'ipv6' }) as const;
  const order = (found: Parameters<typeof interleave<ReturnType<typeof four> | ReturnType<typeof six>>>[0]) =>
    interleave(found)
      .map(({ address }) => address)
      .join(' ');

  test('lets the families take turns, beginning with the first', () => {
    expect(order([six('a'), six('b'), four('1'), four('2')])).toBe('a 1 b 2');
    expect(order([four('1'), six('a'), six('b'), six('c')])).toBe('1 a b c');
    expect(order([four('1'), four('2')])).toBe('1 2');
    expect(order([])).toBe('');
  });
});

/** Attempts that do what the test says, when it says it. */
class Attempts {
  readonly begun: string[] = [];
  /** Those that have failed, or were ended. */
  readonly ended: string[] = [];
  private readonly control = new Map<string, { succeed: () => void; fail: (code: 'ECONNREFUSED') => void }>();

  readonly connect = (address: string, signal: AbortSignal): Promise<string> => {
    this.begun.push(address);
    let open = true;
    return new Promise((resolve, reject) => {
      const fail = (code: SocketError['code']): void => {
        if (!open) return;
        open = false;
        this.ended.push(address);
        reject(new SocketError(code, `connect ${code} ${address}`, { syscall: 'connect', address, port: 1 }));
      };
      signal.addEventListener('abort', () =>
        fail(signal.reason instanceof SocketError ? signal.reason.code : 'ECANCELED'),
      );
      const succeed = (): void => {
        open = false;
        resolve(address);
      };
      this.control.set(address, { succeed, fail });
    });
  };

  succeed(address: string): void {
    this.control.get(address)?.succeed();
  }

  async refuse(address: string): Promise<void> {
    this.control.get(address)?.fail('ECONNREFUSED');
    await jest.advanceTimersByTimeAsync(0);
  }
}

function begin(candidates: string[], signal = new AbortController().signal) {
  const attempts = new Attempts();
  const outcome = race({ candidates, connect: attempts.connect, delayMs: DELAY_MS, signal });
  outcome.catch(() => undefined);
  return { attempts, outcome };
}

describe('the race', () => {
  test('begins the next attempt beside one that is silent, after the delay and not before', async () => {
    const { attempts, outcome } = begin(['a', 'b', 'c']);
    await jest.advanceTimersByTimeAsync(DELAY_MS - 1);
    expect(attempts.begun).toEqual(['a']);
    await jest.advanceTimersByTimeAsync(1);
    expect(attempts.begun).toEqual(['a', 'b']);
    attempts.succeed('b');
    expect(await outcome).toBe('b');
    expect(attempts.ended).toEqual(['a']);
    await jest.advanceTimersByTimeAsync(DELAY_MS * 2);
    expect(attempts.begun).toEqual(['a', 'b']);
  });

  test('begins the next attempt at once when one fails', async () => {
    const { attempts, outcome } = begin(['a', 'b']);
    await attempts.refuse('a');
    expect(attempts.begun).toEqual(['a', 'b']);
    attempts.succeed('b');
    expect(await outcome).toBe('b');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('lets the first win even after the second has begun', async () => {
    const { attempts, outcome } = begin(['a', 'b']);
    await jest.advanceTimersByTimeAsync(DELAY_MS);
    attempts.succeed('a');
    expect(await outcome).toBe('a');
    expect(attempts.ended).toEqual(['b']);
  });

  test('fails with the last error, and all attempts', async () => {
    const { attempts, outcome } = begin(['a', 'b']);
    await jest.advanceTimersByTimeAsync(100);
    await attempts.refuse('a');
    await attempts.refuse('b');
    const tried = { port: 1, code: 'ECONNREFUSED', errno: 111, syscall: 'connect' };
    await expect(outcome).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      details: {
        address: 'b',
        attempts: [
          { ...tried, address: 'a', durationMs: 100 },
          { ...tried, address: 'b', durationMs: 0 },
        ],
      },
    });
  });

  test('ends with the reason it is given, nothing left at work', async () => {
    const end = new AbortController();
    const { attempts, outcome } = begin(['a', 'b', 'c'], end.signal);
    await jest.advanceTimersByTimeAsync(DELAY_MS);
    end.abort(new SocketError('ETIMEDOUT', 'too late'));
    await expect(outcome).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      details: { attempts: [{ address: 'a' }, { address: 'b' }] },
    });
    expect(attempts.ended).toEqual(['a', 'b']);
    expect(attempts.begun).toEqual(['a', 'b']);
    expect(jest.getTimerCount()).toBe(0);
  });
});

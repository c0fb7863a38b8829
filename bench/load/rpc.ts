import { fork, type ChildProcess } from 'node:child_process';

/*
 * Calls from the runner to the load processes, over the channel that fork() gives.
 * Load stands in processes of its own, so that its CPU is never counted as the bridge's.
 */

type Calls<C> = { [Name in keyof C]: (argument: never) => Promise<unknown> };
type Argument<C extends Calls<C>, Name extends keyof C> = Parameters<C[Name]>[0];
type Answer<C extends Calls<C>, Name extends keyof C> = Awaited<ReturnType<C[Name]>>;

interface Request {
  id: number;
  name: string;
  argument: unknown;
}

type Reply = { id: number; result: unknown } | { id: number; error: string };

/** In a load process: answers the runner's calls, and goes when the runner is gone. */
export function serve<C extends Calls<C>>(calls: C): void {
  const table = calls as unknown as Record<string, (argument: unknown) => Promise<unknown>>;
  const reply = (message: Reply): void => {
    process.send?.(message);
  };
  process.on('message', ({ id, name, argument }: Request) => {
    const call = table[name] ?? (() => Promise.reject(new Error(`no call named ${name}`)));
    call(argument).then(
      (result) => reply({ id, result }),
      (error: unknown) => reply({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}

/** In the runner: one load process. Every call has a deadline, so that no figure can hang. */
export class LoadProcess<C extends Calls<C>> {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private nextId = 1;

  constructor(private readonly program: string) {
    this.child = fork(new URL(`./${program}.js`, import.meta.url), [], { serialization: 'advanced' });
    this.child.on('message', (reply: Reply) => this.waiting.get(reply.id)?.(reply));
    this.child.on('exit', () => {
      for (const [id, settle] of this.waiting) settle({ id, error: `${program} ended` });
    });
  }

  call<Name extends keyof C & string>(
    name: Name,
    argument: Argument<C, Name>,
    deadlineMs = 10_000,
  ): Promise<Answer<C, Name>> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const settle = (reply: Reply): void => {
        clearTimeout(deadline);
        this.waiting.delete(id);
        if ('error' in reply) reject(new Error(`${this.program} ${name}: ${reply.error}`));
        else resolve(reply.result as Answer<C, Name>);
      };
      const deadline = setTimeout(() => settle({ id, error: `nothing within ${deadlineMs} ms` }), deadlineMs);
      this.waiting.set(id, settle);
      this.child.send({ id, name, argument } satisfies Request);
    });
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect();
  }
}

/** One who waits for whatever happens first: a wake-up, or time. A wake-up that comes before the wait counts. */
export class Waiter {
  private woken = false;
  private settle: (() => void) | null = null;

  readonly wake = (): void => {
    this.woken = true;
    this.settle?.();
  };

  /** False when `ms` passed without a wake-up; without `ms` it waits for one. */
  async wait(ms?: number): Promise<boolean> {
    if (!this.woken) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.settle = resolve;
        if (ms !== undefined) timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
      this.settle = null;
    }
    const { woken } = this;
    this.woken = false;
    return woken;
  }
}

import { Fifo } from './fifo.js';

/** The end of what was sent, copied: never more than the credit of a channel. */
export class Kept {
  private readonly parts = new Fifo<Uint8Array>();
  private bytes = 0;

  push(part: Uint8Array): void {
    this.parts.push(part.slice());
    this.bytes += part.length;
  }

  /** All but the last `bytes` can go. */
  trim(bytes: number): void {
    while (this.bytes > 0 && this.bytes - (this.parts.first?.length ?? 0) >= bytes)
      this.bytes -= this.parts.shift()?.length ?? 0;
  }

  /** Takes the last `bytes` out, and forgets the rest. */
  takeLast(bytes: number): Uint8Array {
    const whole = concat(this.parts.clear());
    this.bytes = 0;
    return whole.subarray(whole.length - bytes);
  }
}

export function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

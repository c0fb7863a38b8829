/**
 * Call `release` once when the data will not be looked at again, so that its memory can be used
 * again. Without the call it stays what it is, for as long as somebody holds it.
 */
export interface Memory {
  release(): void;
}

/** Of bytes that were copied out of the window. */
export const COPIED: Memory = { release: () => undefined };

interface Part {
  bytes: Buffer;
  memory: Memory;
}

/** Bytes that follow each other, as they lie in a log: in as many parts as that takes. */
export class PinnedBytes {
  constructor(private readonly pinned: Part[]) {}

  get parts(): Buffer[] {
    return this.pinned.map(({ bytes }) => bytes);
  }

  get length(): number {
    return this.pinned.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** All together; what lies in several parts is copied. */
  joined(): Buffer {
    const { parts } = this;
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** Nobody looks at them any more, and they are not in here either. */
  release(): void {
    for (const { memory } of this.pinned.splice(0)) memory.release();
  }
}

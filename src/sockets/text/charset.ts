export interface Decoded {
  data: string;
  /** How many of the bytes `data` stands for; less than given when the last character is not whole. */
  bytes: number;
  /** Some bytes were not valid in that encoding and are shown as U+FFFD. */
  lossy: boolean;
}

/**
 * One way in which text stands for bytes. Neither direction adds a byte order mark or takes one away:
 * U+FEFF is a character like any other, so that offsets mean the same bytes on both sides.
 */
export interface Charset {
  /** null: it cannot carry this text. */
  encode(data: string): Buffer | null;
  /** As `decode` of payload.ts. null: bytes mean nothing without those before them. */
  readonly decode: ((bytes: Buffer, last: boolean) => Decoded) | null;
}

/** What stands for bytes that are not valid (Unicode, U+FFFD in chapter 3.9). */
export const REPLACEMENT = '\uFFFD';

/** Half of a surrogate pair is no character: no charset can carry it. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

export function toWellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, REPLACEMENT);
}

import { decode, type Encoding } from '../text/payload.js';

/** One message, and what of it can be asked for; text is made when it is. */
export class Message {
  private decoded: string | null = null;

  constructor(
    readonly bytes: Buffer,
    private readonly encoding: Encoding,
  ) {}

  get text(): string {
    this.decoded ??= decode(this.bytes, this.encoding, true).data;
    return this.decoded;
  }
}

/** What a rule found: the whole, the groups by number and by name. */
export type Match = Readonly<Record<string, string>>;

export const NO_MATCH: Match = {};

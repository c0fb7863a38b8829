/** How a responder is asked for: JSON, with nothing in it that is code. */
export interface ResponderSpec {
  /** A responder that is there already; nothing but `consume` goes with it. */
  preset?: PresetName;
  framing?: FramingSpec;
  /** How the bytes of messages are text, and text is bytes of answers. */
  encoding?: string;
  /** False: it only looks at what comes, which stays for a consuming reader. */
  consume?: boolean;
  onConnect?: readonly ActionSpec[];
  rules?: readonly RuleSpec[];
  otherwise?: readonly ActionSpec[];
}

export const PRESETS = ['echo', 'discard', 'upper', 'daytime', 'time', 'chargen', 'qotd'] as const;
export type PresetName = (typeof PRESETS)[number];

export const FRAMINGS = ['none', 'delimiter', 'length-prefix', 'fixed', 'idle'] as const;

export interface FramingSpec {
  type: (typeof FRAMINGS)[number];
  delimiter?: string;
  delimiterHex?: string;
  maxBytes?: number;
  lengthBytes?: 1 | 2 | 4 | 8;
  endian?: 'big' | 'little';
  offset?: number;
  includesHeader?: boolean;
  bytes?: number;
  idleMs?: number;
}

export interface RuleSpec {
  when: ConditionSpec;
  then: readonly ActionSpec[];
}

/** One of these. */
export interface ConditionSpec {
  equals?: string;
  startsWith?: string;
  endsWith?: string;
  contains?: string;
  /** A regular expression of RE2: it takes time that grows with the text and no faster. */
  matches?: string;
  /** The message is exactly these bytes. */
  hex?: string;
  all?: readonly ConditionSpec[];
  any?: readonly ConditionSpec[];
  not?: ConditionSpec;
}

/** One of these; `framed` goes with what is sent. */
export interface ActionSpec {
  /** A Liquid template. */
  send?: string;
  sendBytes?: BytesSpec;
  /** With the delimiter, or the length, of the framing. */
  framed?: boolean;
  delayMs?: number;
  close?: boolean;
  reset?: boolean;
  shutdown?: 'write' | 'read' | 'both';
  closeListener?: boolean;
}

/** One of these. The digits of `hex` are a template, too. */
export interface BytesSpec {
  hex?: string;
  base64?: string;
}

/** What is wrong with a spec, by JSON pointer into it. */
export interface SpecError {
  pointer: string;
  detail: string;
}

/** Notes what is wrong at one place of a spec. */
export class Place {
  constructor(
    private readonly errors: SpecError[],
    private readonly pointer: string,
  ) {}

  at(name: string | number): Place {
    return new Place(this.errors, `${this.pointer}/${String(name)}`);
  }

  wrong(detail: string): void {
    this.errors.push({ pointer: this.pointer, detail });
  }

  /** The one field of `spec`, of those named, that is given; undefined, and noted, when it is not exactly one. */
  oneOf<Spec extends object, Name extends keyof Spec & string>(
    spec: Spec,
    names: readonly Name[],
  ): Name | undefined {
    const given = names.filter((name) => spec[name] !== undefined);
    if (given.length === 1) return given[0];
    this.wrong(`must have exactly one of ${names.join(', ')}`);
    return undefined;
  }
}

import { DEFAULT_MESSAGE_BYTES } from '../limits.js';
import type { PresetName } from './responder-spec.js';
import type { Carrier, Script, Step } from './script.js';

/** Seconds from 1900, where RFC 868 begins, to 1970. */
const SECONDS_TO_1970 = 2_208_988_800;

/** RFC 864 suggests lines of 72 printable characters, each beginning one further on. */
const LINE_CHARACTERS = 72;
const FIRST_PRINTABLE = 0x20;
const PRINTABLES = 95;

/** So many lines are at most the 512 characters of a datagram (RFC 864), and make a stream worth while. */
const LINES_A_DATAGRAM = 6;
const LINES_A_WRITE = 256;

/** One a day; RFC 865 has at most 512 characters. */
const QUOTES = [
  'Be liberal in what you accept, and conservative in what you send. (Jon Postel, RFC 1122)',
  'What hath God wrought! (Numbers 23:23, the first telegram of the line to Baltimore)',
  'Brevity is the soul of wit. (William Shakespeare, Hamlet)',
  'The purpose of computing is insight, not numbers. (Richard Hamming)',
  'With sufficient thrust, pigs fly just fine. (RFC 1925)',
  'It is always something. (RFC 1925)',
  'Simplicity is prerequisite for reliability. (Edsger W. Dijkstra)',
];

/** The small services of RFC 862 to 868, and `upper`. Who is greeted by one is not listened to. */
export function presetScript(preset: PresetName, carrier: Carrier): Script {
  const isDatagram = carrier.type === 'datagrams';
  /** Said to who connects, and then the end; of datagrams, to each that comes. */
  const saying = (step: Step): Partial<Script> =>
    isDatagram ? { otherwise: [step] } : { onConnect: [step, { do: 'close' }] };
  const { windowBytes } = carrier;
  return {
    framing: { type: 'none', maxBytes: Math.min(DEFAULT_MESSAGE_BYTES, windowBytes) },
    encoding: 'utf8',
    wholeCharacters: preset === 'upper',
    onConnect: [],
    rules: [],
    otherwise: [],
    ...answers(preset, isDatagram, saying),
  };
}

function answers(
  preset: PresetName,
  isDatagram: boolean,
  saying: (step: Step) => Partial<Script>,
): Partial<Script> {
  switch (preset) {
    case 'echo':
      return { otherwise: [{ do: 'send', bytes: ({ message }) => message?.bytes ?? Buffer.alloc(0) }] };
    case 'discard':
      return {};
    case 'upper':
      return {
        otherwise: [{ do: 'send', bytes: ({ message }) => Buffer.from(message?.text.toUpperCase() ?? '') }],
      };
    case 'daytime':
      return saying({ do: 'send', bytes: ({ now }) => Buffer.from(`${new Date(now).toUTCString()}\r\n`) });
    case 'time':
      return saying({ do: 'send', bytes: ({ now }) => secondsSince1900(now) });
    case 'qotd':
      return saying({ do: 'send', bytes: ({ now }) => Buffer.from(`${quoteOf(now)}\r\n`) });
    case 'chargen':
      return isDatagram
        ? saying({ do: 'send', bytes: ({ speaker }) => lines(speaker.messages, LINES_A_DATAGRAM) })
        : { onConnect: [{ do: 'sendForever', bytes: (turn) => lines(turn * LINES_A_WRITE, LINES_A_WRITE) }] };
  }
}

/** 32 bits; they end in 2036. */
function secondsSince1900(now: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((Math.floor(now / 1000) + SECONDS_TO_1970) % 2 ** 32);
  return bytes;
}

function quoteOf(now: number): string {
  return QUOTES[Math.floor(now / 86_400_000) % QUOTES.length] ?? '';
}

function lines(first: number, count: number): Buffer {
  const text = Array.from({ length: count }, (_, line) => {
    const codes = Array.from(
      { length: LINE_CHARACTERS },
      (__, place) => FIRST_PRINTABLE + ((first + line + place) % PRINTABLES),
    );
    return `${String.fromCharCode(...codes)}\r\n`;
  });
  return Buffer.from(text.join(''), 'latin1');
}

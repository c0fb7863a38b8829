import { SocketError } from '../errors.js';
import { framed, type Framing } from '../framing/framing.js';
import { encode, type Encoding } from '../text/payload.js';
import type { ActionSpec, BytesSpec, Place } from './responder-spec.js';
import { bytesOf } from './rules.js';
import type { Carrier, Step } from './script.js';
import { isTemplate, Template } from './template.js';

type Sending = Extract<Step, { do: 'send' }>;

const ACTIONS = ['send', 'sendBytes', 'delayMs', 'close', 'reset', 'shutdown', 'closeListener'] as const;

/** What there is for somebody who has a connection, and not for datagrams of anybody. */
const OF_CONNECTIONS: readonly string[] = ['close', 'reset', 'shutdown'];

/** What steps are compiled for. */
export interface Circumstances {
  encoding: Encoding;
  framing: Framing;
  carrier: Carrier;
}

/** What is wrong is noted at `place`. */
export function compileActions(
  specs: readonly ActionSpec[],
  circumstances: Circumstances,
  place: Place,
): Step[] {
  return specs.flatMap((spec, index) => compileAction(spec, circumstances, place.at(index)) ?? []);
}

function compileAction(spec: ActionSpec, circumstances: Circumstances, place: Place): Step | null {
  const name = place.oneOf(spec, ACTIONS);
  if (name === undefined) return null;
  const there = place.at(name);
  if (circumstances.carrier.type === 'datagrams' && OF_CONNECTIONS.includes(name))
    there.wrong('has no meaning with datagrams: there is no connection');
  if (spec.framed !== undefined && name !== 'send' && name !== 'sendBytes')
    place.at('framed').wrong(`has no meaning with ${name}`);
  switch (name) {
    case 'send':
      return withBounds(sendText(spec.send ?? '', circumstances.encoding, there), spec, circumstances, there);
    case 'sendBytes':
      return withBounds(sendBytes(spec.sendBytes ?? {}, there), spec, circumstances, there);
    case 'delayMs':
      return { do: 'delay', ms: spec.delayMs ?? 0 };
    case 'shutdown':
      return { do: 'shutdown', how: spec.shutdown ?? 'both' };
    default:
      if (spec[name] !== true) there.wrong('must be true');
      return { do: name };
  }
}

function sendText(text: string, encoding: Encoding, place: Place): Sending | null {
  if (!isTemplate(text)) {
    const bytes = encoded(text, encoding, place);
    return bytes === null ? null : { do: 'send', bytes: () => bytes };
  }
  const template = Template.compile(text, place);
  return template && { do: 'send', bytes: ({ scope }) => rendered(template.render(scope), encoding) };
}

function sendBytes(spec: BytesSpec, place: Place): Sending | null {
  const base = place.oneOf(spec, ['hex', 'base64']);
  if (base === undefined) return null;
  const digits = spec[base] ?? '';
  if (!isTemplate(digits)) {
    const bytes = bytesOf(digits.replaceAll(/\s/g, ''), base, place.at(base));
    return { do: 'send', bytes: () => bytes };
  }
  const template = Template.compile(digits, place.at(base));
  return (
    template && {
      do: 'send',
      bytes: ({ scope }) => rendered(template.render(scope).replaceAll(/\s/g, ''), base),
    }
  );
}

/** `framed`: as the messages of the peer are. */
function withBounds(
  step: Sending | null,
  spec: ActionSpec,
  { framing }: Circumstances,
  place: Place,
): Sending | null {
  if (step === null || spec.framed !== true) return step;
  if (framing.type !== 'delimiter' && framing.type !== 'length-prefix')
    place.wrong(`cannot be framed: with ${framing.type} nothing marks the bounds of a message`);
  const { bytes } = step;
  return { do: 'send', bytes: (occasion) => framed(framing, bytes(occasion)) };
}

function encoded(text: string, encoding: Encoding, place: Place): Buffer | null {
  try {
    return encode(text, encoding);
  } catch {
    place.wrong(`is not valid ${encoding}`);
    return null;
  }
}

function rendered(text: string, encoding: Encoding): Buffer {
  try {
    return encode(text, encoding);
  } catch {
    throw new SocketError('RESPONDER_FAILED', `what a template came to is not valid ${encoding}`);
  }
}

import { SocketError } from '../errors.js';
import { DEFAULT_MATCHED_BYTES, DEFAULT_MESSAGE_BYTES, MAX_RESPONDER_CHARACTERS } from '../limits.js';
import { largestFrame } from '../framing/framing.js';
import { isReadableEncoding } from '../text/payload.js';
import { compileActions } from './compile-actions.js';
import { compileFraming } from './compile-framing.js';
import { presetScript } from './presets.js';
import { Place, type ResponderSpec, type SpecError } from './responder-spec.js';
import { compileCondition } from './rules.js';
import type { Carrier, Script } from './script.js';

/** What says itself how it answers. */
const OWN_FIELDS = ['framing', 'encoding', 'onConnect', 'rules', 'otherwise'] as const;

/**
 * Everything that can be said of a responder before anybody connects. RESPONDER_INVALID has every place that
 * is wrong, by JSON pointer: `at` is where the spec stands.
 */
export function compileResponder(spec: ResponderSpec, carrier: Carrier, at: string): Script {
  const errors: SpecError[] = [];
  const script = compiled(spec, carrier, new Place(errors, at));
  if (errors.length === 0) return script;
  const detail = errors.map(({ pointer, detail: what }) => `${pointer}: ${what}`).join('; ');
  throw new SocketError('RESPONDER_INVALID', detail, { errors });
}

function compiled(spec: ResponderSpec, carrier: Carrier, place: Place): Script {
  if (JSON.stringify(spec).length > MAX_RESPONDER_CHARACTERS)
    place.wrong(`must be at most ${String(MAX_RESPONDER_CHARACTERS)} characters`);
  const { preset, onConnect = [], rules = [], otherwise = [] } = spec;
  if (preset !== undefined) {
    for (const name of OWN_FIELDS)
      if (spec[name] !== undefined) place.at(name).wrong('has no meaning with a preset');
    return presetScript(preset, carrier);
  }
  const encoding = encodingOf(spec, place.at('encoding'));
  const isMatched = JSON.stringify(rules).includes('"matches":');
  const bounds = {
    carrier,
    encoding,
    defaultBytes: isMatched ? DEFAULT_MATCHED_BYTES : DEFAULT_MESSAGE_BYTES,
  };
  const framing = compileFraming(spec.framing ?? { type: 'none' }, bounds, place.at('framing'));
  if (carrier.type === 'datagrams' && onConnect.length > 0)
    place.at('onConnect').wrong('has no meaning with datagrams: nobody connects');
  const around = { encoding, framing, carrier };
  return {
    framing,
    encoding,
    wholeCharacters: framing.type === 'none',
    onConnect: compileActions(onConnect, around, place.at('onConnect')),
    rules: rules.map((rule, index) => ({
      when: compileCondition(rule.when, largestFrame(framing), place.at('rules').at(index).at('when')),
      then: compileActions(rule.then, around, place.at('rules').at(index).at('then')),
    })),
    otherwise: compileActions(otherwise, around, place.at('otherwise')),
  };
}

function encodingOf({ encoding = 'utf8' }: ResponderSpec, place: Place): string {
  const isUsable: boolean = isReadableEncoding(encoding);
  if (!isUsable) place.wrong(`${encoding} is no encoding that can be read`);
  return isUsable ? encoding : 'utf8';
}

import { Context, Liquid, toValueSync, type Template as Parsed } from 'liquidjs';
import { SocketError } from '../errors.js';
import { MAX_ANSWER_CHARACTERS, MAX_TEMPLATE_CHARACTERS, RENDER_MEMORY, RENDER_MS } from '../limits.js';
import { SCOPE_FIELDS, type Scope } from './occasion.js';
import type { Place } from './responder-spec.js';

/**
 * What templates can do. What is not named is not there: no file of any kind, nothing whose time or memory
 * is not counted (`capture`, `strip_html`).
 */
const TAGS = 'assign break case comment continue cycle decrement echo for if increment raw unless #'.split(
  ' ',
);
const FILTERS = (
  'abs append at_least at_most base64_decode base64_encode capitalize ceil date default divided_by downcase ' +
  'escape first floor join json last lstrip minus modulo number_of_words plus prepend remove remove_first ' +
  'remove_last replace replace_first replace_last reverse round rstrip size slice split squish strip ' +
  'strip_newlines times truncate truncatewords upcase url_decode url_encode'
).split(' ');

const LIQUID = sandbox();

/** Text with places that are filled in for each answer. Rendering is bounded in time, memory and output. */
export class Template {
  private constructor(private readonly parsed: Parsed[]) {}

  /** Null, and noted at `place`, when it cannot be parsed or names what is not there. */
  static compile(text: string, place: Place): Template | null {
    try {
      const parsed = LIQUID.parse(text);
      const unknown = unknownVariables(parsed);
      for (const detail of unknown) place.wrong(detail);
      return unknown.length === 0 ? new Template(parsed) : null;
    } catch (error) {
      place.wrong(describe(error));
      return null;
    }
  }

  /** RESPONDER_FAILED when it goes beyond its bounds. */
  render(scope: Scope): string {
    try {
      return this.filledIn(scope);
    } catch (error) {
      // The clock also ran while the collector or another program had the processor: that is not the template's doing.
      if (!isLate(error)) throw failed(error);
    }
    try {
      return this.filledIn(scope);
    } catch (error) {
      throw failed(error);
    }
  }

  private filledIn(scope: Scope): string {
    const out = new BoundedText();
    const context = new Context(scope, LIQUID.options, { sync: true });
    toValueSync(LIQUID.renderer.renderTemplates(this.parsed, context, out) as Generator<unknown, unknown>);
    return out.buffer;
  }
}

function isLate(error: unknown): boolean {
  return describe(error).endsWith('template render limit exceeded');
}

function failed(error: unknown): SocketError {
  return new SocketError('RESPONDER_FAILED', `a template could not be rendered: ${describe(error)}`);
}

/** Whether anything in it is filled in. */
export function isTemplate(text: string): boolean {
  return /\{[{%]/.test(text);
}

function sandbox(): Liquid {
  const liquid = new Liquid({
    ownPropertyOnly: true,
    strictFilters: true,
    parseLimit: MAX_TEMPLATE_CHARACTERS,
    renderLimit: RENDER_MS,
    memoryLimit: RENDER_MEMORY,
    // There is no such thing as a template by name.
    templates: {},
    timezoneOffset: 0,
    locale: 'en-US',
  });
  keepOnly(liquid.tags, TAGS);
  keepOnly(liquid.filters, FILTERS);
  return liquid;
}

function keepOnly(table: Record<string, unknown>, names: readonly string[]): void {
  for (const name of Object.keys(table)) if (!names.includes(name)) Reflect.deleteProperty(table, name);
}

/** The library counts what filters make, and not what is written. */
class BoundedText {
  buffer = '';

  write(html: unknown): void {
    this.buffer += String(html);
    if (this.buffer.length > MAX_ANSWER_CHARACTERS) throw new RangeError('the answer is too long');
  }
}

function unknownVariables(parsed: Parsed[]): string[] {
  const { globals } = LIQUID.analyzeSync(parsed, { partials: false });
  return Object.values(globals)
    .flat()
    .filter(({ segments: [name, field] }) => !isKnown(String(name), field))
    .map(({ segments, location: { row, col } }) => {
      const path = segments.filter((segment) => typeof segment !== 'object').join('.');
      return `line ${String(row)}, column ${String(col)}: there is no ${path}`;
    });
}

function isKnown(name: string, field: unknown): boolean {
  if (!Object.hasOwn(SCOPE_FIELDS, name)) return false;
  const fields = SCOPE_FIELDS[name as keyof Scope];
  return fields === null || typeof field !== 'string' || field === 'size' || fields.includes(field);
}

/** The message of the library ends in the place; ours begins with it. */
function describe(error: unknown): string {
  const { message = '' } = error as Partial<Error>;
  const [, what = message, row = '', column = ''] = /^(.*?), line:(\d+), col:(\d+)$/s.exec(message) ?? [];
  return row === '' ? what : `line ${row}, column ${column}: ${what}`;
}

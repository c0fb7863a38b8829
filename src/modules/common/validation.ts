import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { validateSync, type ValidationError, type ValidatorOptions } from 'class-validator';
import { invalid, ProblemError, type FieldError } from '../problems/problem.js';
import { instanceOf } from './instances.js';
import { keepsRules } from './rules.js';

/** Unknown fields are refused: a typing error must not look like a setting that was taken. */
const STRICT: ValidatorOptions = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };

/**
 * For every route: bodies, queries and path parameters. Nest's own pipe takes null and bare bytes for an object
 * without fields; here a body is an object, and none is an empty one. And it is twice as dear: what it strips,
 * `validate` refuses, and nothing here needs to wait.
 */
export class StrictPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'custom' || metatype === undefined || PLAIN.has(metatype)) return value;
    const fields = value === undefined && type === 'body' ? {} : value;
    return validate(metatype as new () => object, fields);
  }
}

/** What a parameter is declared as that has no fields to look at. */
const PLAIN: ReadonlySet<unknown> = new Set([String, Boolean, Number, Array, Object, Buffer]);

/** For what comes through a route, or does not, or is only a part (`at`) of what does. Synchronous, so that messages keep their order. */
export function validate<T extends object>(type: new () => T, value: unknown, at = ''): T {
  requireObject(value, at);
  const instance = instanceOf(type, value);
  if (keepsRules(instance)) return instance;
  const errors = validateSync(instance, STRICT);
  if (errors.length > 0) throw invalid(fieldErrors(errors, at));
  return instance;
}

/** An object, whatever its fields, at the pointer `at`. */
export function requireObject(value: unknown, at = ''): asserts value is object {
  if (Buffer.isBuffer(value)) throw new ProblemError('unsupported-media-type', 'only JSON is taken here');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid([{ pointer: at, detail: 'must be an object' }]);
  }
  const wrong = inheritedNames(value, at);
  if (wrong.length > 0)
    throw invalid(wrong.map((pointer) => ({ pointer, detail: 'cannot be used as a name' })));
}

/**
 * Pointers to what is named like something that every object has, `toString` or `constructor`. The
 * validator takes such a name for one it knows, and the copy it makes leaves it out: nobody would hear of it.
 */
function inheritedNames(value: object, at: string): string[] {
  const found: string[] = [];
  for (const [name, child] of Object.entries(value) as [string, unknown][]) {
    if (name in Object.prototype) found.push(pointerTo(at, name));
    else if (typeof child === 'object' && child !== null)
      found.push(...inheritedNames(child, pointerTo(at, name)));
  }
  return found;
}

function pointerTo(parent: string, name: string): string {
  return `${parent}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function fieldErrors(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap((error) => {
    const pointer = pointerTo(parent, error.property);
    const { constraints = {}, children = [] } = error;
    // What is not there breaks every rule at once; one says it.
    if (error.value === undefined && children.length === 0) return [{ pointer, detail: 'must be given' }];
    const own = complaints(constraints).map((detail) => ({ pointer, detail }));
    return [...own, ...fieldErrors(children, pointer)];
  });
}

/** Rules about the type of a value: what breaks one breaks those about its size and form, too. */
const OF_TYPE = ['isInt', 'isNumber', 'isString', 'isBoolean', 'isArray', 'isObject'];

/** What is not an object is refused by the field's own rule; that it has no fields to look at says nothing more. */
function complaints({ nestedValidation, ...rules }: Record<string, string>): string[] {
  const type = OF_TYPE.find((rule) => rule in rules);
  if (type !== undefined) return [rules[type] as string];
  const own = Object.values(rules);
  return own.length > 0 || nestedValidation === undefined ? own : [nestedValidation];
}

import { TransformationType, type TransformFnParams } from 'class-transformer';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';

type Class<T extends object = object> = new () => T;

/** What decorators have said of how a field comes to be. */
interface Making {
  /** `Type`: of an object, or of each object of a list. */
  readonly type: Class | null;
  /** `Transform`, in the order in which they are carried out. */
  readonly conversions: readonly ((params: TransformFnParams) => unknown)[];
}

/** By class, then by field: those that are not taken as they are. */
const makingsByClass = new Map<Class, ReadonlyMap<string, Making>>();

/**
 * As `plainToInstance` of class-transformer, which walks its memory anew for each field; here it is asked
 * once. What nothing is said of is not copied: what comes with a request is nobody else's.
 */
export function instanceOf<T extends object>(type: Class<T>, plain: object): T {
  const makings = makingsOf(type);
  const instance = new type();
  for (const name of Object.keys(plain)) {
    const value: unknown = plain[name as keyof object];
    const making = makings.get(name);
    (instance as Record<string, unknown>)[name] =
      making === undefined ? value : made(making, value, name, plain);
  }
  return instance;
}

function made({ type, conversions }: Making, given: unknown, key: string, obj: object): unknown {
  let value = type === null ? given : instancesIn(type, given);
  for (const convert of conversions)
    value = convert({ value, key, obj, type: TransformationType.PLAIN_TO_CLASS, options: {} });
  return value;
}

function instancesIn(type: Class, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => instancesIn(type, item));
  return typeof value === 'object' && value !== null ? instanceOf(type, value) : value;
}

function makingsOf(type: Class): ReadonlyMap<string, Making> {
  let makings = makingsByClass.get(type);
  if (makings === undefined) {
    makings = gathered(type);
    makingsByClass.set(type, makings);
  }
  return makings;
}

/** A field without a rule is refused, however it came to be. */
function gathered(type: Class): ReadonlyMap<string, Making> {
  const makings = new Map<string, Making>();
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  for (const { propertyName: name } of rules) {
    const typed = defaultMetadataStorage.findTypeMetadata(type, name);
    const conversions = defaultMetadataStorage
      .findTransformMetadatas(type, name, TransformationType.PLAIN_TO_CLASS)
      .map(({ transformFn }) => transformFn);
    if (typed !== undefined || conversions.length > 0)
      makings.set(name, { type: typed?.typeFunction() ?? null, conversions });
  }
  return makings;
}

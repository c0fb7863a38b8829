import {
  getMetadataStorage,
  ValidationTypes,
  type ValidationArguments,
  type ValidatorConstraintInterface,
} from 'class-validator';

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

/** What decorators have said of a field. */
interface FieldRules {
  readonly name: string;
  readonly targetName: string;
  /** `ValidateIf`, `IsOptional`: one that says no, and the field is not looked at. */
  readonly conditions: ((object: object, value: unknown) => boolean)[];
  readonly rules: Rule[];
  /** An object with rules of its own, or a list of such. */
  readonly isNested: boolean;
}

interface Rule {
  readonly validators: ValidatorConstraintInterface[];
  readonly constraints: unknown[];
  /** Of a list: each of its items. */
  readonly each: boolean;
}

/** Of a class: its fields; null where it has rules of a kind that is not known here. */
const rulesByClass = new Map<unknown, ReadonlyMap<string, FieldRules> | null>();

/**
 * Whether `instance` keeps all rules of its class, of which class-validator would walk its memory anew each
 * time; here they are gathered once. When in doubt: false. Then class-validator decides, and says what is wrong.
 */
export function keepsRules(instance: object): boolean {
  const fields = rulesOf(instance.constructor);
  if (fields === null) return false;
  for (const name of Object.keys(instance)) if (!fields.has(name)) return false;
  for (const field of fields.values()) if (!isKept(field, instance)) return false;
  return true;
}

function rulesOf(type: unknown): ReadonlyMap<string, FieldRules> | null {
  if (typeof type !== 'function') return null;
  let fields = rulesByClass.get(type);
  if (fields === undefined) {
    fields = gathered(type);
    rulesByClass.set(type, fields);
  }
  return fields;
}

function gathered(type: { readonly name: string }): ReadonlyMap<string, FieldRules> | null {
  const all = getMetadataStorage().getTargetValidationMetadatas(type as () => void, '', false, false);
  if (all.length === 0 || !all.every(isKnown)) return null;
  const names = new Set(all.map(({ propertyName }) => propertyName));
  return new Map(
    Array.from(names, (name) => [
      name,
      fieldRules(
        name,
        type.name,
        all.filter((one) => one.propertyName === name),
      ),
    ]),
  );
}

const KNOWN: readonly string[] = [
  ValidationTypes.CUSTOM_VALIDATION,
  ValidationTypes.CONDITIONAL_VALIDATION,
  ValidationTypes.NESTED_VALIDATION,
];

function isKnown({ type, validateIf }: Metadata): boolean {
  return KNOWN.includes(type) && validateIf === undefined;
}

function fieldRules(name: string, targetName: string, all: readonly Metadata[]): FieldRules {
  const of = (type: string): readonly Metadata[] => all.filter((one) => one.type === type);
  return {
    name,
    targetName,
    conditions: of(ValidationTypes.CONDITIONAL_VALIDATION).map(
      ({ constraints: [condition] }) => condition as (object: object, value: unknown) => boolean,
    ),
    rules: of(ValidationTypes.CUSTOM_VALIDATION).map(({ constraintCls, constraints, each }) => ({
      validators: getMetadataStorage()
        .getTargetValidatorConstraints(constraintCls)
        .map(({ instance }) => instance),
      constraints,
      each,
    })),
    isNested: of(ValidationTypes.NESTED_VALIDATION).length > 0,
  };
}

function isKept({ name, targetName, conditions, rules, isNested }: FieldRules, object: object): boolean {
  const value: unknown = object[name as keyof object];
  for (const condition of conditions) if (!condition(object, value)) return true;
  for (const { validators, constraints, each } of rules) {
    const args = { targetName, property: name, object, value, constraints };
    for (const validator of validators) if (!passes(validator, args, each)) return false;
  }
  return !isNested || value === undefined || (Array.isArray(value) ? value.every(isKeeper) : isKeeper(value));
}

function passes(validator: ValidatorConstraintInterface, args: ValidationArguments, each: boolean): boolean {
  const value: unknown = args.value;
  if (each && Array.isArray(value)) return value.every((item) => validator.validate(item, args) === true);
  return validator.validate(value, args) === true;
}

function isKeeper(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && keepsRules(value);
}

import { ValidationPipe } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError, type ValidatorOptions } from 'class-validator';
import { invalid, type FieldError } from '../problems/problem.js';

/** Unknown fields are refused: a typing error must not look like a setting that was taken. */
const STRICT: ValidatorOptions = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };

/** For every route: bodies, queries and path parameters. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    ...STRICT,
    transform: true,
    exceptionFactory: (errors) => invalid(fieldErrors(errors)),
  });
}

/** For what does not come through a route. Synchronous, so that messages keep their order. */
export function validate<T extends object>(type: new () => T, value: unknown): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid([{ pointer: '', detail: 'must be an object' }]);
  }
  const instance = plainToInstance(type, value);
  const errors = validateSync(instance, STRICT);
  if (errors.length > 0) throw invalid(fieldErrors(errors));
  return instance;
}

function fieldErrors(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap((error) => {
    const pointer = `${parent}/${error.property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const own = Object.values(error.constraints ?? {}).map((detail) => ({ pointer, detail }));
    return [...own, ...fieldErrors(error.children ?? [], pointer)];
  });
}

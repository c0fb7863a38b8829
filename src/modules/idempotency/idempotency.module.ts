import { Global, Module } from '@nestjs/common';
import { IDEMPOTENCY_MS, MAX_IDEMPOTENCY_BYTES, MAX_IDEMPOTENCY_KEYS } from '../../sockets/index.js';
import { AnswersByKey } from './answers-by-key.js';
import { Idempotency } from './idempotent.js';

@Global()
@Module({
  providers: [
    {
      provide: AnswersByKey,
      useFactory: () =>
        new AnswersByKey({
          maxKeys: MAX_IDEMPOTENCY_KEYS,
          maxBytes: MAX_IDEMPOTENCY_BYTES,
          keepMs: IDEMPOTENCY_MS,
        }),
    },
    Idempotency,
  ],
  exports: [Idempotency],
})
export class IdempotencyModule {}

import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import { lineOutput } from './output.js';

const output = lineOutput(process.stdout.fd);

/** Structured logs: one JSON line each, on standard output. Never a payload, never a key. */
export function createLogger(level: string): Logger {
  const redact = ['req.headers.authorization', 'req.headers["sec-websocket-protocol"]'];
  return pino({ level, redact }, output);
}

/** Lets Nest write into the same log. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** Nest passes the context last; objects become fields of the line, errors `err`. */
  private write(
    level: 'fatal' | 'error' | 'warn' | 'debug' | 'trace',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = rest[rest.length - 1];
    const text = rest.length > 1 && typeof rest[0] === 'string' ? rest[0] : undefined;
    if (message instanceof Error) this.logger[level]({ context, err: message }, message.message);
    else if (typeof message === 'object' && message !== null)
      this.logger[level]({ context, ...message }, text);
    else this.logger[level]({ context }, String(message));
  }
}

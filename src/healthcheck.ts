import { readFileSync } from 'node:fs';
import { processEnvironment, readKeyTokens } from './modules/config/configuration.js';

/**
 * Asks the service beside it whether it lives, as a container's health check: with keys every
 * request needs one, so the first configured key is used. Exits 0 or 1.
 */
const TIMEOUT_MS = 2_500;

const environment = processEnvironment();
const [token] = readKeyTokens(environment, (path) => readFileSync(path, 'utf8'));
const answer = await fetch(`http://127.0.0.1:${environment.SOCKEYE_PORT ?? '3000'}/health/live`, {
  headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  signal: AbortSignal.timeout(TIMEOUT_MS),
}).catch(() => null);
process.exit(answer?.ok === true ? 0 : 1);

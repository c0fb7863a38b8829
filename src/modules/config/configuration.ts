import { DEFAULT_LIMITS, parseNetwork, type Limits, type Network } from '../../sockets/index.js';
import { parseApiKeys, type ApiKey } from './api-keys.js';
import { VARIABLES, type VariableName } from './variables.js';

/** Everything the environment says, read once, checked and typed. */
export interface Configuration {
  host: string;
  port: number;
  dataDir: string;
  logLevel: string;
  apiKeys: readonly ApiKey[];
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  egressAllow: readonly Network[];
  egressDeny: readonly Network[];
  bindAllow: readonly Network[];
  bindPorts: { from: number; to: number };
  unixDir: string;
  allowMetadata: boolean;
  maxBodyBytes: number;
  drainMs: number;
  limits: Limits;
}

export const CONFIGURATION = Symbol('configuration');

/** A variable with a value that can't be used: its name and what is wrong, in one line. */
export class ConfigurationError extends Error {
  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`);
    this.name = 'ConfigurationError';
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const HOST_HEADER = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/;
const ORIGIN =
  /^(https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?|[a-z][a-z0-9+.-]*-extension:\/\/[a-z0-9-]+)$/;
const LOOPBACK_HOSTS = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** The one place that touches the environment. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Throws ConfigurationError; reads nothing but `environment` and the key file it may name. */
export function readConfiguration(
  environment: Environment,
  readFile: (path: string) => string,
): Configuration {
  const read = new Reader(environment);
  const host = read.text('SOCKEYE_HOST');
  const apiKeys = readKeys(environment, readFile);
  if (apiKeys.length === 0 && !LOOPBACK_HOSTS.test(host)) {
    throw new ConfigurationError(
      'SOCKEYE_HOST',
      `${host} can be reached from elsewhere, so SOCKEYE_API_KEYS must be set`,
    );
  }
  return {
    host,
    port: read.integer('SOCKEYE_PORT', 0, 65_535),
    dataDir: read.text('SOCKEYE_DATA_DIR'),
    logLevel: read.oneOf('SOCKEYE_LOG_LEVEL', LOG_LEVELS),
    apiKeys,
    allowedHosts: read.matching('SOCKEYE_ALLOWED_HOSTS', HOST_HEADER, 'a host name, with a port or without'),
    allowedOrigins: read.matching('SOCKEYE_ALLOWED_ORIGINS', ORIGIN, 'an origin like https://app.example'),
    egressAllow: read.networks('SOCKEYE_EGRESS_ALLOW'),
    egressDeny: read.networks('SOCKEYE_EGRESS_DENY'),
    bindAllow: read.networks('SOCKEYE_BIND_ALLOW'),
    bindPorts: read.portRange('SOCKEYE_PORT_RANGE'),
    unixDir: read.text('SOCKEYE_UNIX_DIR'),
    allowMetadata: read.oneOf('SOCKEYE_ALLOW_METADATA', ['true', 'false']) === 'true',
    maxBodyBytes: read.integer('SOCKEYE_MAX_BODY_BYTES', 1024, 1024 ** 3),
    drainMs: read.integer('SOCKEYE_DRAIN_MS', 0, 9_000),
    limits: readLimits(read),
  };
}

/** The keys as they stand in the environment and the key file, for who has to present one. */
export function readKeyTokens(environment: Environment, readFile: (path: string) => string): string[] {
  const read = new Reader(environment);
  const path = read.text('SOCKEYE_API_KEYS_FILE');
  const inFile = path === '' ? [] : readFile(path).split(/\r?\n/);
  const kept = inFile.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  return [...read.list('SOCKEYE_API_KEYS'), ...kept];
}

function readKeys(environment: Environment, readFile: (path: string) => string): ApiKey[] {
  const read = new Reader(environment);
  const source = read.text('SOCKEYE_API_KEYS_FILE') === '' ? 'SOCKEYE_API_KEYS' : 'SOCKEYE_API_KEYS_FILE';
  const keys = parse(source, () => parseApiKeys(readKeyTokens(environment, readFile)));
  const given = read.text('SOCKEYE_API_KEYS') !== '';
  if (keys.length === 0 && (given || source === 'SOCKEYE_API_KEYS_FILE')) {
    throw new ConfigurationError(source, 'holds no key');
  }
  return keys;
}

function parse<T>(variable: VariableName, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ConfigurationError(variable, error instanceof Error ? error.message : 'cannot be read');
  }
}

function readLimits(read: Reader): Limits {
  return {
    ...DEFAULT_LIMITS,
    maxSockets: read.integer('SOCKEYE_MAX_SOCKETS', 1, 1_000_000),
    maxBufferedBytes: read.integer('SOCKEYE_MAX_BUFFERED_BYTES', 1024 * 1024, 2 ** 40),
    defaultWindowBytes: read.integer('SOCKEYE_WINDOW_BYTES', 1024, DEFAULT_LIMITS.maxWindowBytes),
    connectTimeoutMs: read.integer('SOCKEYE_CONNECT_TIMEOUT_MS', 1, 600_000),
    sendTimeoutMs: read.integer('SOCKEYE_SEND_TIMEOUT_MS', 1, 600_000),
    keepAliveMs: read.integer('SOCKEYE_KEEP_ALIVE_MS', 1_000, 7_200_000),
    halfClosedMs: read.integer('SOCKEYE_HALF_CLOSED_MS', 1, 86_400_000),
    lingerMs: read.integer('SOCKEYE_LINGER_MS', 0, 86_400_000),
    eventHistory: read.integer('SOCKEYE_EVENT_HISTORY', 1, 1_000_000),
    closedRetentionMs: read.integer('SOCKEYE_CLOSED_RETENTION_MS', 0, 86_400_000),
  };
}

/** Reads one variable as a type; an empty value counts as not set. */
class Reader {
  constructor(private readonly environment: Environment) {}

  text(name: VariableName): string {
    const value = this.environment[name]?.trim();
    return value === undefined || value === '' ? VARIABLES[name].default : value;
  }

  integer(name: VariableName, min: number, max: number): number {
    const text = this.text(name);
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new ConfigurationError(
      name,
      `"${text}" is not a whole number from ${String(min)} to ${String(max)}`,
    );
  }

  oneOf(name: VariableName, values: readonly string[]): string {
    const text = this.text(name);
    if (values.includes(text)) return text;
    throw new ConfigurationError(name, `"${text}" is none of ${values.join(', ')}`);
  }

  list(name: VariableName): string[] {
    return this.text(name)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  /** Items in lower case, each of the form that `what` describes. */
  matching(name: VariableName, form: RegExp, what: string): string[] {
    const items = this.list(name).map((item) => item.toLowerCase());
    const wrong = items.find((item) => !form.test(item));
    if (wrong !== undefined) throw new ConfigurationError(name, `"${wrong}" is not ${what}`);
    return items;
  }

  networks(name: VariableName): Network[] {
    return this.list(name).map((text) => {
      const network = parseNetwork(text);
      if (network === null)
        throw new ConfigurationError(name, `"${text}" is not an address or network like 10.0.0.0/8`);
      return network;
    });
  }

  portRange(name: VariableName): { from: number; to: number } {
    const text = this.text(name);
    const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
    const from = Number(match?.[1]);
    const to = Number(match?.[2]);
    if (match === null || from < 1 || to > 65_535 || from > to) {
      throw new ConfigurationError(name, `"${text}" is not a range of ports like 1024-65535`);
    }
    return { from, to };
  }
}

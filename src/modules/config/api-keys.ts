import { createHash } from 'node:crypto';

/** What is kept of a key: who it is, and the digest of the whole token. */
export interface ApiKey {
  id: string;
  digest: Buffer;
}

/** Shorter secrets can be guessed. */
const MIN_SECRET_LENGTH = 16;
const TOKEN = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9._~+/=-]+)$/;

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Tokens of the form `id.secret`. The error never repeats the token. */
export function parseApiKeys(tokens: readonly string[]): ApiKey[] {
  const keys = tokens.map((token, index) => {
    const match = TOKEN.exec(token);
    const nth = `key ${String(index + 1)}`;
    if (match === null) throw new Error(`${nth} is not of the form id.secret`);
    const [, id = '', secret = ''] = match;
    if (secret.length < MIN_SECRET_LENGTH)
      throw new Error(`the secret of ${nth} is shorter than ${String(MIN_SECRET_LENGTH)} characters`);
    return { id, digest: digestOf(token) };
  });
  if (new Set(keys.map((key) => key.id)).size !== keys.length) throw new Error('two keys have the same id');
  return keys;
}

/** Certificates made by the openssl program for one test file; nothing of them outlives it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM, and the files that hold it. */
export interface Certificate {
  certificate: string;
  key: string;
  files: { certificate: string; key: string };
}

interface Asked {
  subjectAltName?: string;
  days?: number;
}

/** What an end of TLS is given to show who it is. */
export function identityOf({ certificate, key }: Certificate): { certificate: string; key: string } {
  return { certificate, key };
}

/** An authority, and what it signs. */
export class Authority {
  private readonly folder = mkdtempSync(join(tmpdir(), 'sockeye-certificates-'));
  readonly itself: Certificate;
  private serial = 1;

  constructor(name: string) {
    const files = this.files('authority');
    this.openssl(
      'req',
      '-x509',
      ...this.newKey(files.key),
      '-subj',
      `/CN=${name}`,
      '-out',
      files.certificate,
    );
    this.itself = read(files);
  }

  /** PEM of the authority's own certificate. */
  get ca(): string {
    return this.itself.certificate;
  }

  sign(commonName: string, { subjectAltName, days = 30 }: Asked = {}): Certificate {
    this.serial += 1;
    const files = this.files(String(this.serial));
    const request = join(this.folder, `${this.serial}.csr`);
    const extensions = join(this.folder, `${this.serial}.ext`);
    writeFileSync(extensions, subjectAltName === undefined ? '' : `subjectAltName = ${subjectAltName}\n`);
    this.openssl('req', ...this.newKey(files.key), '-subj', `/O=Sockeye/CN=${commonName}`, '-out', request);
    const authority = this.itself.files;
    this.openssl(
      ...['x509', '-req', '-in', request, '-out', files.certificate, '-extfile', extensions],
      ...['-CA', authority.certificate, '-CAkey', authority.key],
      ...['-set_serial', String(this.serial), '-days', String(days)],
    );
    return read(files);
  }

  /** Vouched for by nobody but itself. */
  selfSigned(commonName: string): Certificate {
    this.serial += 1;
    const files = this.files(String(this.serial));
    const names = ['-subj', `/CN=${commonName}`, '-addext', `subjectAltName=DNS:${commonName}`];
    this.openssl('req', '-x509', ...this.newKey(files.key), ...names, '-out', files.certificate);
    return read(files);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private files(name: string): Certificate['files'] {
    return { certificate: join(this.folder, `${name}.pem`), key: join(this.folder, `${name}.key`) };
  }

  private newKey(file: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

function read(files: Certificate['files']): Certificate {
  return {
    certificate: readFileSync(files.certificate, 'utf8'),
    key: readFileSync(files.key, 'utf8'),
    files,
  };
}

/** `describe`, or one that counts as skipped where there is no openssl to make certificates. */
export const describeWithOpenssl: (title: string, tests: () => void) => void = hasOpenssl()
  ? (title, tests) => describe(title, tests)
  : (title, tests) => describe.skip(`${title} (skipped: openssl not installed)`, tests);

function hasOpenssl(): boolean {
  const found = spawnSync('openssl', ['version']).status === 0;
  if (!found) console.warn('TLS tests skipped: openssl not installed');
  return found;
}

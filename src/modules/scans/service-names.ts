import { Injectable } from '@nestjs/common';
import { findServices } from '../../network/index.js';

/** Which service a TCP port is for, by the tables of this host and of IANA: read once, at the first scan. */
@Injectable()
export class ServiceNames {
  private table: Promise<ReadonlyMap<number, string>> | null = null;

  read(): Promise<ReadonlyMap<number, string>> {
    this.table ??= namesByPort();
    return this.table;
  }
}

async function namesByPort(): Promise<ReadonlyMap<number, string>> {
  const names = new Map<number, string>();
  for (const { port, name } of await findServices({ protocol: 'tcp' }))
    if (!names.has(port)) names.set(port, name);
  return names;
}

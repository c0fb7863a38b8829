import type { WireReader } from './wire.js';

/** A value that is data of a record: JSON. */
export type DataValue =
  string | number | boolean | null | readonly DataValue[] | { readonly [name: string]: DataValue };

/** What a record says. */
export interface Rdata {
  /** Its fields, by the names of the RFC that defines the type. Names without the dot at their end. */
  readonly data: Readonly<Record<string, DataValue>>;
  /** As a zone file has it. */
  readonly text: string;
}

export type RdataDecoder = (reader: WireReader) => Rdata;

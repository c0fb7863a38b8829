/**
 * HTTP calls that hold every answer against the OpenAPI document: the status, the media type, the body
 * and the headers must be documented for that route, and what was accepted must be allowed by it.
 */
import { formatWithOptions } from 'node:util';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import request from 'supertest';
import type { ProblemDto } from '../../src/modules/problems/problem.dto.js';
import { startApplication, type RunningApplication } from './application.js';

const PROBLEM = 'application/problem+json';
const JSON_TYPE = 'application/json';
const BYTES = 'application/octet-stream';
const EVENTS = 'text/event-stream';

interface Header {
  required?: boolean;
  schema: object;
}

interface Content {
  content?: Record<string, { schema: object }>;
}

interface Operation {
  requestBody?: Content;
  responses: Record<string, Content & { headers?: Record<string, Header> }>;
}

interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

export interface Answer<T> {
  status: number;
  headers: Record<string, string>;
  body: T;
}

/** A list is asked for as the same name several times. */
type Query = Record<string, string | number | boolean | string[]>;

export interface CallOptions {
  query?: Query;
  headers?: Record<string, string>;
}

/** The document, as a judge over answers. */
class Contract {
  private readonly ajv: Ajv2020;
  private readonly schemas: Record<string, object>;
  private readonly routes: { template: RegExp; methods: Record<string, Operation> }[];
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(document: OpenApi) {
    this.ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
    this.ajv.addVocabulary(['components', 'example']);
    formats.default(this.ajv);
    this.schemas = Object.fromEntries(
      // A field that the document does not know is a finding, too.
      Object.entries(document.components.schemas).map(([name, schema]) => [
        name,
        { ...schema, unevaluatedProperties: false },
      ]),
    );
    this.routes = Object.entries(document.paths).map(([path, methods]) => ({
      template: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      methods,
    }));
  }

  /** Throws what is wrong with an answer. */
  judge(method: string, path: string, sent: unknown, answer: Answer<unknown>): void {
    const operation = this.routes.find(({ template }) => template.test(path))?.methods[method.toLowerCase()];
    const mediaType = answer.headers['content-type']?.split(';')[0];
    if (operation === undefined) {
      // Where there is no route there is nothing but a problem.
      if (answer.status < 400 || mediaType !== PROBLEM) throw new Error('not documented');
      this.validate({ $ref: '#/components/schemas/ProblemDto' }, answer.body);
      return;
    }
    const response = operation.responses[String(answer.status)];
    if (response === undefined) throw new Error('status not documented');
    this.judgeBody(response, mediaType, answer.body);
    this.judgeHeaders(response.headers ?? {}, answer.headers);
    const schema = operation.requestBody?.content?.[JSON_TYPE]?.schema;
    if (answer.status < 300 && isJson(sent) && schema !== undefined) this.validate(schema, sent);
  }

  private judgeBody({ content = {} }: Content, mediaType: string | undefined, body: unknown): void {
    if (Object.keys(content).length === 0) {
      if (mediaType !== undefined) throw new Error('a body, and none is documented');
      return;
    }
    const schema = content[mediaType ?? '']?.schema;
    if (schema === undefined) throw new Error(`media type ${String(mediaType)} not documented`);
    if (mediaType === BYTES) {
      if (body !== undefined && !Buffer.isBuffer(body)) throw new Error('not bytes');
    } else if (mediaType !== EVENTS || body !== undefined) this.validate(schema, body);
  }

  private judgeHeaders(documented: Record<string, Header>, headers: Record<string, string>): void {
    const byName = new Map(Object.entries(documented).map(([name, header]) => [name.toLowerCase(), header]));
    for (const [name, { required, schema }] of byName) {
      const value = headers[name];
      if (value === undefined && required === true) throw new Error(`header ${name} is missing`);
      if (value !== undefined) this.validate(schema, valueOf(value, schema));
    }
    const ours = Object.keys(headers).filter((name) => /^(sockeye-.*|location|retry-after)$/.test(name));
    const unknown = ours.filter((name) => !byName.has(name));
    if (unknown.length > 0) throw new Error(`headers not documented: ${unknown.join(', ')}`);
  }

  private validate(schema: object, value: unknown): void {
    const key = JSON.stringify(schema);
    const validate =
      this.compiled.get(key) ?? this.ajv.compile({ ...schema, components: { schemas: this.schemas } });
    this.compiled.set(key, validate);
    if (!validate(value)) throw new Error(this.ajv.errorsText(validate.errors));
  }
}

function queryText(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  );
  return new URLSearchParams(pairs).toString();
}

function isJson(sent: unknown): boolean {
  return typeof sent === 'object' && sent !== null && !Buffer.isBuffer(sent);
}

/** Headers are text; the document says what of. */
function valueOf(text: string, schema: { type?: string }): unknown {
  return schema.type === 'string' ? text : (JSON.parse(text) as unknown);
}

export class Api {
  private readonly contract: Contract;

  constructor(readonly application: RunningApplication) {
    this.contract = new Contract(application.documents.openApi() as OpenApi);
  }

  get<T>(path: string, query: CallOptions['query'] = {}, headers: CallOptions['headers'] = {}) {
    return this.call<T>('GET', path, undefined, { query, headers });
  }

  /** Bytes go as octet-stream, everything else as JSON; a text goes as it is. */
  post<T>(path: string, body?: Buffer | string | object, options: CallOptions = {}) {
    return this.call<T>('POST', path, body, options);
  }

  put<T>(path: string, body?: string | object, options: CallOptions = {}) {
    return this.call<T>('PUT', path, body, options);
  }

  patch<T>(path: string, body: object | string) {
    return this.call<T>('PATCH', path, body);
  }

  delete<T = unknown>(path: string, query: CallOptions['query'] = {}) {
    return this.call<T>('DELETE', path, undefined, { query });
  }

  async call<T>(
    method: string,
    path: string,
    body: Buffer | string | object | undefined,
    { query = {}, headers = {} }: CallOptions = {},
  ): Promise<Answer<T>> {
    const asked = request(this.application.url)[verb(method)](path).query(queryText(query)).redirects(0);
    if (body !== undefined) void asked.set('content-type', Buffer.isBuffer(body) ? BYTES : JSON_TYPE);
    const answered = await asked.set(headers).send(body);
    const answer: Answer<unknown> = {
      status: answered.status,
      headers: answered.headers,
      body: answered.body,
    };
    this.hold(method, path, body, answer);
    return answer as Answer<T>;
  }

  /** A call that must be refused in this way; answers the problem. */
  async refused(call: Promise<Answer<unknown>>, status: number, type: string): Promise<ProblemDto> {
    const { body, ...answer } = (await call) as Answer<ProblemDto>;
    expect({ status: answer.status, type: body.type, saysStatus: body.status }).toEqual({
      status,
      type: `https://sockeye.dev/problems/${type}`,
      saysStatus: status,
    });
    return body;
  }

  /** An answer of which the body is read as it comes. */
  async open(path: string, signal?: AbortSignal): Promise<{ headers: Headers; chunks: ReadableStream }> {
    const answer = await fetch(`${this.application.url}${path}`, signal === undefined ? {} : { signal });
    const headers = Object.fromEntries(answer.headers);
    this.hold('GET', path.split('?')[0] ?? '', undefined, {
      status: answer.status,
      headers,
      body: undefined,
    });
    if (answer.body === null) throw new Error(`no body: ${answer.status}`);
    return { headers: answer.headers, chunks: answer.body };
  }

  close(): Promise<void> {
    return this.application.close();
  }

  private hold(method: string, path: string, sent: unknown, answer: Answer<unknown>): void {
    try {
      this.contract.judge(method, path, sent, answer);
    } catch (error) {
      const { status, body } = answer;
      const reason = error instanceof Error ? error.message : String(error);
      const shown = formatWithOptions({ depth: 6 }, '%o', body);
      throw new Error(`${method} ${path} answered ${status} against the document: ${reason}\n${shown}`, {
        cause: error,
      });
    }
  }
}

function verb(method: string): 'get' | 'post' | 'put' | 'patch' | 'delete' {
  return method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
}

/** A service of its own for a test file, and the calls to it. */
export async function startApi(environment: Record<string, string> = {}): Promise<Api> {
  return new Api(await startApplication(environment));
}

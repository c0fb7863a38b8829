import type { FastifyInstance } from 'fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApplication } from '../../src/app.setup.js';
import { testConfiguration } from '../support/application.js';
import { routesOf, type Document, type MediaType, type Route } from './document.js';

/** Served, and not part of the API that they describe. */
const DOCUMENTS = ['GET /openapi.json', 'GET /asyncapi.json'];
const PROBLEM = 'application/problem+json';

let app: NestFastifyApplication;
let served: string[];
let routes: Route[];

beforeAll(async () => {
  const application = await createApplication(testConfiguration());
  app = application.app;
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  served = [];
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat()) if (name !== 'HEAD') served.push(`${name} ${templateOf(url)}`);
  });
  await app.init();
  routes = routesOf(application.documents.openApi() as unknown as Document);
});
afterAll(() => app.close());

/** Fastify writes `:name` where the document writes `{name}`. */
function templateOf(url: string): string {
  return url.replaceAll(/:(\w+)/g, '{$1}');
}

function named(what: (route: Route) => boolean): string[] {
  return routes.filter((route) => !what(route)).map(({ method, path }) => `${method} ${path}`);
}

it('every route that is served is documented, and the other way round', () => {
  const documented = routes.map(({ method, path }) => `${method} ${path}`);
  expect(documented.length).toBeGreaterThan(20);
  expect(served.filter((route) => !DOCUMENTS.includes(route)).sort()).toEqual(documented.sort());
});

it('every operation has an id of its own, a summary and a tag', () => {
  const ids = routes.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
  expect(named(({ operation }) => (operation.summary ?? '') !== '')).toEqual([]);
  expect(named(({ operation }) => operation.tags?.length === 1)).toEqual([]);
});

it('every operation documents what can happen to any request, as problems with an example', () => {
  expect(
    named(({ operation }) => ['401', '403', '500'].every((status) => status in operation.responses)),
  ).toEqual([]);
  const isProblem = ({ operation }: Route): boolean =>
    Object.entries(operation.responses)
      .filter(([status]) => Number(status) >= 400)
      .every(([, { content = {} }]) => {
        const { schema, examples = {} } = content[PROBLEM] ?? {};
        return (
          Object.keys(content).length === 1 &&
          schema?.$ref === '#/components/schemas/ProblemDto' &&
          Object.keys(examples).length > 0
        );
      });
  expect(named(isProblem)).toEqual([]);
});

it('every operation documents the problems of what it takes', () => {
  const has = (status: string) => (route: Route) => status in route.operation.responses;
  const lacking = (status: string, applies: (route: Route) => boolean): string[] =>
    named((route) => !applies(route) || has(status)(route));
  // What is declared by name need not be there.
  const ofOneSocket = ({ path, operation }: Route): boolean =>
    path.includes('{idOrName}') && operation.operationId !== 'declareListener';
  const hasQuery = ({ operation }: Route): boolean => operation.parameters.some((one) => one.in === 'query');
  const hasBody = ({ operation }: Route): boolean => operation.requestBody !== undefined;
  expect(lacking('404', ofOneSocket)).toEqual([]);
  expect(lacking('410', ofOneSocket)).toEqual([]);
  expect(lacking('400', (route) => hasQuery(route) || hasBody(route))).toEqual([]);
  expect(lacking('413', hasBody)).toEqual([]);
  expect(lacking('415', hasBody)).toEqual([]);
});

it('every path parameter and every JSON body has an example', () => {
  const parameters = ({ operation, path }: Route): boolean => {
    const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
    return (
      inPath.length === (path.match(/\{/g) ?? []).length &&
      inPath.every(({ required, schema }) => required && schema.example !== undefined)
    );
  };
  expect(named(parameters)).toEqual([]);
  const body = ({ operation }: Route): boolean => {
    if (operation.requestBody === undefined) return true;
    const { schema, examples = {} } = operation.requestBody.content['application/json'] ?? {};
    return schema !== undefined && Object.keys(examples).length > 0;
  };
  expect(named(body)).toEqual([]);
});

it('every parameter is described', () => {
  const described = ({ operation }: Route): boolean =>
    operation.parameters.every(({ description = '' }) => description !== '');
  expect(named(described)).toEqual([]);
});

/** A schema, or the choice of several by the kind of socket. */
const isNamed = (schema: MediaType['schema']): boolean =>
  schema?.$ref !== undefined || [...(schema?.oneOf ?? []), ...(schema?.anyOf ?? [])].length > 0;

it('every 2xx answer with a body has a schema, and one without says so with 204', () => {
  const answers = ({ operation }: Route): boolean => {
    const fine = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
    return (
      fine.length > 0 &&
      fine.every(([status, { content }]) =>
        status === '204'
          ? content === undefined
          : isNamed(content?.['application/json']?.schema) ||
            content?.['text/event-stream']?.schema?.type === 'string',
      )
    );
  };
  expect(named(answers)).toEqual([]);
});

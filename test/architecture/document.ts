/** The parts of an OpenAPI document that the tests look at. */
export interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: { type: string; example?: unknown };
}

export interface MediaType {
  schema?: { $ref?: string; type?: string; oneOf?: { $ref: string }[]; anyOf?: { $ref: string }[] };
  examples?: Record<string, { value: unknown }>;
}

export interface Operation {
  operationId: string;
  summary?: string;
  tags?: string[];
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, MediaType> };
  responses: Record<string, { description: string; content?: Record<string, MediaType> }>;
}

export interface Document {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
}

export interface Route {
  method: string;
  path: string;
  operation: Operation;
}

export function routesOf(document: Document): Route[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

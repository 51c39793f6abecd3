import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Actor } from '../model/actor.ts';
import type { HttpParts } from './parts.ts';

/** One address of the API as data: the server, the checks and the OpenAPI document are all made from it. */
export interface Route<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
> {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `/api/v1/runs/{id}` */
  path: string;
  about: string;
  params: Params;
  query: Query;
  /** Null when a body means nothing here. */
  body: Body | null;
  /** Headers that mean something here, by name in lower case. */
  headers?: z.ZodObject;
  /** How a body is read that is larger than those of other addresses, or is not only JSON; like all others when left out. */
  read?: BodyReader;
  answers: Readonly<Record<number, RouteAnswer>>;
  handle(input: RouteInput<z.infer<Params>, z.infer<Query>, z.infer<Body>>): Promise<Answer>;
}

export interface BodyReader {
  /** The largest body, bytes. */
  limit: number;
  /** What the schema of the body is held against. Rejects with TocsinError. */
  parse(bytes: Buffer): Promise<unknown>;
}

export interface RouteAnswer {
  about: string;
  /** The JSON that is answered; null for another type. */
  schema: z.ZodType | null;
  /** `application/json` when left out. */
  type?: string;
}

export interface RouteInput<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  who: Actor;
  parts: HttpParts;
  /** The Accept header. */
  accept: string;
  /** The headers that the route names, by their names in lower case. */
  headers: Readonly<Record<string, string>>;
}

export type Answer =
  | { status: number; json: unknown; link?: string }
  | { status: number; type: string; stream: Readable };

/** Infers the types of the handler from the schemas. */
export function defineRoute<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType>(
  route: Route<Params, Query, Body>,
): Route {
  return route as unknown as Route;
}

import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { z } from 'zod';
import { ACCESS, type Access } from '../access/access.js';
import { OPERATION, type Operation } from './operation.js';

/** Nest's numbers of the parameter decorators (`RouteParamtypes`). */
const BODY = '3';
const QUERY = '4';
const PARAM = '5';

/** What the rest of a path is called that a route takes whole. */
const REST = 'path';

/** A route, as its decorators declare it. */
export interface DeclaredRoute {
  readonly method: string;
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly access: Access | undefined;
  readonly operation: Operation | undefined;
  readonly parameters: readonly string[];
  readonly body: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly handler: string;
}

interface Argument {
  readonly data?: unknown;
  readonly schema?: z.ZodType;
}

/** Every route of these controllers. */
export function declaredRoutes(controllers: readonly Type[]): DeclaredRoute[] {
  return controllers.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype).flatMap((name) => routeOf(controller, name)),
  );
}

function routeOf(controller: Type, name: string): DeclaredRoute[] {
  const handler = (controller.prototype as Record<string, unknown>)[name];
  if (typeof handler !== 'function') return [];
  const verb = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
  if (verb === undefined) return [];
  const base = Reflect.getMetadata(PATH_METADATA, controller) as string;
  const own = Reflect.getMetadata(PATH_METADATA, handler) as string;
  const path = `/${[base, own]
    .map((part) => part.replace(/^\/|\/$/g, ''))
    .filter(Boolean)
    .join('/')}`;
  const described = path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, `{${REST}}`);
  const found = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Record<
    string,
    Argument
  >;
  const schemaOf = (type: string): z.ZodType | undefined =>
    Object.entries(found).find(([key, { schema }]) => key.startsWith(`${type}:`) && schema !== undefined)?.[1]
      .schema;
  return [
    {
      method: RequestMethod[verb],
      path: described,
      access: Reflect.getMetadata(ACCESS, handler) as Access | undefined,
      operation: Reflect.getMetadata(OPERATION, handler) as Operation | undefined,
      parameters: Object.entries(found)
        .flatMap(([key, { data }]) =>
          key.startsWith(`${PARAM}:`) && typeof data === 'string' ? [data === '*' ? REST : data] : [],
        )
        // In the order of the path; the decorators are kept in that of their evaluation.
        .sort((a, b) => described.indexOf(`{${a}}`) - described.indexOf(`{${b}}`)),
      body: schemaOf(BODY),
      query: schemaOf(QUERY),
      handler: `${controller.name}.${name}`,
    },
  ];
}

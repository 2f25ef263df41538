import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { IncomingMessage } from 'node:http';
import {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Ids } from '../../kernel/ids.js';
import type { Settings } from '../../settings/schema.js';
import { requestLogger } from '../observability/request-logger.js';
import { addLogStreams } from './log-streams.js';
import { bodyLeftUnread, bodyWithinDeadline, isUnwanted } from './bodies.js';
import { addParsers } from './parsers.js';
import { RECORD_LIMIT_BYTES, RECORD_ROUTES } from './record-files.js';
import { requestIdOf } from './request-id.js';
import { CIRCUMSTANCES, type ApiRequest } from './request.js';
import type { RouteTable } from './route-table.js';
import { SECURITY_HEADERS } from './security-headers.js';

/** How long a client may take to send the head of a request; for bodies see `bodies.ts`. */
const HEAD_WITHIN_MS = 30_000;
const KEEP_ALIVE_MS = 72_000;
const MAX_PARAMETER_LENGTH = 256;

/** Routes by which calls leave; what they carry is as large as providers take it. */
const CALL_ROUTES = /^\/(mcp$|v1\/tools\/:name\/call$)/;
/** Routes whose bodies are read by whoever handles them, or passed on. */
const PASSING_ROUTES = /^\/g\//;

/**
 * Fastify, as Nest drives it: bounded in size, time and depth. Nest's middleware layer is left out: nothing here uses
 * it, and it costs every request.
 */
export function createServer(settings: Settings, ids: Ids, logger: FastifyBaseLogger): FastifyAdapter {
  const { bodyLimitBytes, trustProxy } = settings.values.server;
  return new FastifyAdapter({
    loggerInstance: logger,
    childLoggerFactory: requestLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    trustProxy,
    requestTimeout: 0,
    http: { headersTimeout: HEAD_WITHIN_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A stop closes idle connections; a request that still comes on a busy one is served, and is its last.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => requestIdOf(request, ids),
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    skipMiddie: true,
    multipart: false,
    // The router answers a malformed URL before any hook runs.
    frameworkErrors: (_error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      const body = { title: 'The request is not well formed.', status: 400, code: 'request_malformed' };
      void reply
        .code(400)
        .type('application/problem+json')
        .send(JSON.stringify({ type: 'about:blank', ...body, reference: request.id }));
    },
  });
}

/** Adds what every request passes: parsers, security headers, its reference. Call before routes are registered. */
export function dressServer(server: FastifyInstance, routes: RouteTable, callBodyLimitBytes: number): void {
  server.addHook('onRoute', (route) => {
    routes.add(([] as string[]).concat(route.method), route.url);
    const passes = PASSING_ROUTES.test(route.url);
    route.preParsing = passes ? bodyLeftUnread : bodyWithinDeadline;
    if (passes) route.bodyLimit = Number.MAX_SAFE_INTEGER;
    if (CALL_ROUTES.test(route.url)) route.bodyLimit = callBodyLimitBytes;
    if (RECORD_ROUTES.has(route.url)) route.bodyLimit = RECORD_LIMIT_BYTES;
  });
  server.decorateRequest(CIRCUMSTANCES, undefined as never);
  server.addHook('onRequest', (request, reply, done) => {
    (request as ApiRequest).circumstances = {};
    void reply
      .headers(SECURITY_HEADERS)
      .header('x-request-id', request.id)
      .header('cache-control', 'no-store');
    done();
  });
  server.addHook('onSend', (request, reply, _payload, done) => {
    if (isUnwanted(request as ApiRequest)) void reply.header('connection', 'close');
    done();
  });
  addParsers(server);
  addLogStreams(server);
}

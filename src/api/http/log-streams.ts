import type { FastifyInstance } from 'fastify';
import { BrokerError } from '../../kernel/broker-error.js';
import { routeOf } from './request.js';

/** The content type of log files that are read line by line while they come in. */
export const LOG_TYPE = 'text/x-log';

/** The routes that take them. What they read, and how much of it, is theirs to bound. */
export const LOG_ROUTES: ReadonlySet<string> = new Set([
  '/v1/shadow/egress',
  '/v1/shadow/vault-audit',
  '/v1/shadow/postgres-log',
]);

/** Hands log files over as streams, on the routes that take them. */
export function addLogStreams(server: FastifyInstance): void {
  server.addContentTypeParser(LOG_TYPE, (request, payload, done) => {
    if (LOG_ROUTES.has(routeOf(request))) done(null, payload);
    else done(new BrokerError('media_type_unsupported'), undefined);
  });
}

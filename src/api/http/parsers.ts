import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BrokerError } from '../../kernel/broker-error.js';
import { RECORD_ROUTES } from './record-files.js';
import { routeOf } from './request.js';

/** The one route that takes a form (RFC 6749 §4.5, RFC 8693 §2.1). */
export const FORM_ROUTE = '/oauth2/token';

const MAX_DEPTH = 32;

/** Below which paths bodies are what a provider's own clients send; they are left unread, so any content type will do. */
const PROVIDER_ROUTES = '/g/';

/**
 * Body parsers: JSON everywhere, a form at the token endpoint, text where files of records are taken, nothing else
 * anywhere but on the way to providers, whose bodies are left unread. JSON with `__proto__` or nested deeper than {@link MAX_DEPTH} is refused before
 * any schema sees it.
 */
export function addParsers(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (routeOf(request) === FORM_ROUTE) return done(new BrokerError('media_type_unsupported'), undefined);
    if (isForProvider(request)) return done(null, undefined);
    const text = (body as Buffer).toString('utf8');
    // Many clients name a content type and send nothing.
    if (text === '') return done(null, undefined);
    void parseJson(request, text, (error, value) => {
      if (error)
        done(
          new BrokerError('request_malformed', { detail: 'The body is not well-formed JSON.' }),
          undefined,
        );
      else if (isDeep(value, MAX_DEPTH))
        done(
          new BrokerError('request_malformed', { detail: `The body is nested deeper than ${MAX_DEPTH}.` }),
          undefined,
        );
      else done(null, value);
    });
  });
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (request, body, done) => {
      if (isForProvider(request)) return done(null, undefined);
      if (routeOf(request) !== FORM_ROUTE) return done(new BrokerError('media_type_unsupported'), undefined);
      done(null, new URLSearchParams((body as Buffer).toString('utf8')));
    },
  );
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    if (isForProvider(request)) return done(null, undefined);
    if (RECORD_ROUTES.has(routeOf(request))) return done(null, (body as Buffer).toString('utf8'));
    done(new BrokerError('media_type_unsupported'), undefined);
  });
}

function isForProvider(request: FastifyRequest): boolean {
  return routeOf(request).startsWith(PROVIDER_ROUTES);
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  return Object.values(value).some((member) => isDeep(member, left - 1));
}

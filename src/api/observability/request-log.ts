import type { FastifyInstance } from 'fastify';
import type { Log } from '../../kernel/log.js';
import { routeOf, type ApiRequest } from '../http/request.js';
import type { Metrics } from './metrics.js';

/** Routes that probes and scrapers call all day. */
const QUIET = new Set(['/livez', '/readyz', '/metrics']);

/** One log line and one observation for each answered request. */
export function observeRequests(server: FastifyInstance, log: Log, metrics: Metrics): void {
  server.addHook('onResponse', (request, reply, done) => {
    const route = routeOf(request);
    const { circumstances, id, method } = request as ApiRequest;
    const status = reply.statusCode;
    const code = circumstances?.code ?? (status < 400 ? 'ok' : 'refused');
    metrics.requests.observe({ method, route, status }, reply.elapsedTime / 1000);
    metrics.decisions.inc({ route, code });
    if (!QUIET.has(route)) {
      log.info(
        {
          request_id: id,
          method,
          route,
          status,
          code,
          ms: Math.round(reply.elapsedTime * 100) / 100,
          run_ref: circumstances?.runRef,
          lease_id: circumstances?.leaseId,
          call_id: circumstances?.callId,
        },
        'request',
      );
    }
    done();
  });
}

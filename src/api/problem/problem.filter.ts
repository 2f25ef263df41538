import { Catch, Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { LimitRefusal } from '../../gateway/admission/limit-refusal.js';
import { rateLimitHeaders } from '../../gateway/admission/rate-limit-headers.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { Log } from '../../kernel/log.js';
import { Settings } from '../../settings/schema.js';
import { routeOf, type ApiReply, type ApiRequest } from '../http/request.js';
import { RouteTable } from '../http/route-table.js';
import { challengeOf } from './challenge.js';
import { classify } from './classify.js';
import { oauthErrorOf } from './oauth-error.js';
import { problemOf } from './problem.js';

/**
 * Turns whatever was thrown into an answer: a problem (RFC 9457), or an OAuth error on OAuth's endpoints. The same
 * reference stands in the answer, the log line and the event. Nothing that is not written for callers leaves.
 */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly settings: Settings,
    private readonly routes: RouteTable,
    private readonly log: Log,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answerWith(thrown, http.getRequest<ApiRequest>(), http.getResponse<ApiReply>());
  }

  /** Answers a request with what was thrown. */
  answerWith(thrown: unknown, request: ApiRequest, reply: ApiReply): void {
    const error = this.refine(classify(thrown), request, reply);
    // A request that the framework turned away early has not passed our hooks.
    request.circumstances = { ...request.circumstances, code: error.code };
    this.explain(error, request);
    if (reply.sent) {
      // An answer that has begun cannot become another one; cutting it off is the only honest signal.
      reply.raw.destroy();
      return;
    }
    this.answer(error, request, reply);
  }

  private refine(error: BrokerError, request: ApiRequest, reply: ApiReply): BrokerError {
    if (error.code !== 'not_found' || request.routeOptions?.url !== undefined) return error;
    const allowed = this.routes.methodsOf(request.url);
    if (allowed.length === 0) return error;
    void reply.header('allow', allowed.join(', '));
    return new BrokerError('method_not_allowed', { detail: `use ${allowed.join(' or ')}` });
  }

  private answer(error: BrokerError, request: ApiRequest, reply: ApiReply): void {
    const { publicUrl } = this.settings.values.server;
    void reply.removeHeader('etag').header('cache-control', 'no-store').header('x-request-id', request.id);
    if (error.retryAfterSeconds !== undefined)
      void reply.header('retry-after', Math.max(1, Math.ceil(error.retryAfterSeconds)));
    if (error instanceof LimitRefusal) void reply.headers(rateLimitHeaders(error.limits));
    if (routeOf(request).startsWith('/oauth2/') || request.url.startsWith('/oauth2/')) {
      const { status, body } = oauthErrorOf(error, request.id, publicUrl);
      void reply.code(status).type('application/json; charset=utf-8').send(body);
      return;
    }
    const challenge = challengeOf(error, publicUrl, routeOf(request));
    if (challenge !== undefined) void reply.header('www-authenticate', challenge);
    // Serialised here: Fastify takes an object of this content type for one that it cannot serialise.
    const body = JSON.stringify(problemOf(error, request.id, publicUrl));
    void reply.code(error.status).type('application/problem+json; charset=utf-8').send(body);
  }

  private explain(error: BrokerError, request: ApiRequest): void {
    const fields = {
      request_id: request.id,
      route: routeOf(request),
      code: error.code,
      internal: error.internal,
    };
    if (error.status >= 500) this.log.error({ ...fields, err: error }, 'a request failed');
    else if (error.internal !== undefined) this.log.info(fields, 'a request was refused');
  }
}

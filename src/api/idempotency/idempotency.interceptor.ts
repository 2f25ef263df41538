import { createHash } from 'node:crypto';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { defer, from, mergeMap, of, throwError, catchError, type Observable } from 'rxjs';
import { canonicalJson } from '../../audit/canonical-json.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { routeOf, type ApiReply, type ApiRequest } from '../http/request.js';
import { OPERATION, type Operation } from '../openapi/operation.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { IdempotencyKeys, type KeyedRequest, type StoredAnswer } from './idempotency-keys.js';

/**
 * Answers an admin's repeated request with what the first one answered. Only routes that are documented so take part:
 * an answer that carries a secret must never be stored.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: IdempotencyKeys,
    private readonly log: Log,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const operation = this.reflector.get<Operation | undefined>(OPERATION, context.getHandler());
    if (operation?.idempotency !== 'replays') return next.handle();
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const reply = context.switchToHttp().getResponse<ApiReply>();
    const keyed = keyedRequest(request);
    if (keyed === undefined) return next.handle();
    return defer(() => this.keys.begin(keyed)).pipe(
      mergeMap((earlier) =>
        earlier === undefined ? this.first(keyed, reply, next) : of(replay(earlier, reply)),
      ),
    );
  }

  private first(keyed: KeyedRequest, reply: ApiReply, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      mergeMap((body) => from(this.keep(keyed, reply, body))),
      catchError((error: unknown) => from(this.release(keyed)).pipe(mergeMap(() => throwError(() => error)))),
    );
  }

  private async keep(keyed: KeyedRequest, reply: ApiReply, body: unknown): Promise<unknown> {
    const etag = reply.getHeader('etag');
    const headers = typeof etag === 'string' ? { etag } : {};
    await this.keys.finish(keyed, { status: reply.statusCode, headers, body }).catch((error: unknown) =>
      // The act is done and durable; failing it now would only invite a second one.
      this.log.warn(
        { route: keyed.route, ...safeErrorFields(error) },
        'an answer could not be kept for its key',
      ),
    );
    return body;
  }

  private async release(keyed: KeyedRequest): Promise<void> {
    await this.keys
      .abandon(keyed)
      .catch((error: unknown) =>
        this.log.warn(
          { route: keyed.route, ...safeErrorFields(error) },
          'an idempotency key stays locked for a minute',
        ),
      );
  }
}

function keyedRequest(request: ApiRequest): KeyedRequest | undefined {
  const header = request.headers['idempotency-key'];
  const key = idempotencyKeyOf(Array.isArray(header) ? header.join(',') : header);
  const principal = request.circumstances.principal;
  if (key === undefined || principal?.kind !== 'admin') return undefined;
  const { issuer, subject } = principal.admin.token;
  const body = canonicalJson(request.body ?? null);
  return {
    actor: JSON.stringify([issuer, subject]),
    route: `${request.method} ${routeOf(request)}`,
    key,
    hash: createHash('sha256').update(request.url).update('\0').update(body).digest(),
  };
}

function replay(earlier: StoredAnswer, reply: ApiReply): unknown {
  void reply.code(earlier.status).headers(earlier.headers).header('idempotency-replayed', 'true');
  return earlier.body;
}

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import type { Caller } from '../../kernel/caller.js';
import type { ErrorCode } from '../../kernel/error-codes.js';
import type { Admin } from '../../identity/authentication.js';
import type { RunIdentity } from '../../identity/run-token.js';
import type { VerifiedToken } from '../../identity/verified-token.js';

/** An admin, as the passport strategy `admin` knows it. */
export type AdminIdentity = Admin;

/** Who the access guard found behind a request. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'run-token'; readonly identity: RunIdentity }
  | { readonly kind: 'workload'; readonly token: VerifiedToken }
  | { readonly kind: 'admin'; readonly admin: AdminIdentity };

/** What the API keeps beside a request while it is answered. */
export interface Circumstances {
  principal?: Principal;
  /** The code with which it was refused, for the log line and the metrics. */
  code?: ErrorCode;
  /** Ids that the log line carries besides the request's. */
  runRef?: string;
  leaseId?: string;
  callId?: string;
  /** The body, on routes that leave it unread. */
  unread?: { readonly source: Readable; readonly lengthBytes: number | undefined };
}

/** A request of the API, with its circumstances. */
export interface ApiRequest extends FastifyRequest {
  circumstances: Circumstances;
}

export type ApiReply = FastifyReply;

/** Name of the Fastify decoration that holds {@link Circumstances}. */
export const CIRCUMSTANCES = 'circumstances';

/** The path template of the route that took the request, or `unmatched`. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions?.url ?? 'unmatched';
}

/** Who calls, for operations and events; anonymous until a guard has found otherwise. */
export function callerOf(request: ApiRequest): Caller {
  const principal = request.circumstances.principal;
  const requestId = request.id;
  switch (principal?.kind) {
    case 'run-token': {
      const { issuer, subject } = principal.identity;
      return { requestId, actor: { type: 'workload', issuer, subject } };
    }
    case 'workload': {
      const { issuer, subject } = principal.token;
      return { requestId, actor: { type: 'workload', issuer, subject } };
    }
    case 'admin': {
      const { token, roles } = principal.admin;
      return { requestId, actor: { type: 'admin', issuer: token.issuer, subject: token.subject, roles } };
    }
    case 'anonymous':
    case undefined:
      return { requestId, actor: { type: 'anonymous' } };
  }
}

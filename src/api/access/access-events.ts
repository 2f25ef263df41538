import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { callerOf, routeOf, type AdminIdentity, type ApiRequest } from '../http/request.js';

const REMEMBERED_TOKENS = 10_000;

/** Records who came to the door of the API, and who was turned away. */
@Injectable()
export class AccessEvents {
  private readonly seen = new LRUCache<string, true>({ max: REMEMBERED_TOKENS });

  constructor(private readonly audit: AuditInbox) {}

  /** Records an admin's authentication: once a token and replica, not once a request. */
  async authenticated(caller: Caller, { token, roles }: AdminIdentity): Promise<void> {
    const hash = token.tokenHash.toString('base64');
    if (this.seen.has(hash)) return;
    await this.audit.record('authentication.accepted', { caller }, { issuer: token.issuerName, roles });
    this.seen.set(hash, true);
  }

  /** Records a token that was refused, or missing. */
  async authenticationRefused(request: ApiRequest, error: BrokerError): Promise<void> {
    await this.audit.record(
      'authentication.refused',
      { caller: callerOf(request), outcome: 'refused', code: error.code },
      { route: templateOf(request), detail: error.detail },
    );
  }

  /** Records an admin without the role that the route needs. */
  async authorizationRefused(request: ApiRequest, needs: readonly string[]): Promise<void> {
    await this.audit.record(
      'authorization.refused',
      { caller: callerOf(request), outcome: 'refused', code: 'role_required' },
      { route: templateOf(request), needs },
    );
  }
}

function templateOf(request: ApiRequest): string {
  return `${request.method} ${routeOf(request)}`;
}

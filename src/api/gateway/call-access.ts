import { Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { CallEvents } from '../../gateway/call/call-events.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { ErrorCode } from '../../kernel/error-codes.js';
import { Settings } from '../../settings/schema.js';
import { RunAccess } from '../access/run-access.js';
import { callerOf, routeOf, type ApiRequest } from '../http/request.js';
import { bearerFromProviderKey } from './provider-key.js';

/** What a key that is no run token is turned away with, unless it is one of ours that does not verify. */
const STRANGERS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'authentication_required',
  'token_malformed',
  'run_token_invalid',
]);

/** Who may come to a route on which calls leave: runs, and nobody else. */
@Injectable()
export class CallAccess {
  constructor(
    private readonly settings: Settings,
    private readonly runAccess: RunAccess,
    private readonly events: CallEvents,
  ) {}

  /**
   * The run that calls. Who shows nothing, a key of a provider or the token of a platform is refused with
   * `run_identity_missing`: it may well be a worker that goes around the exchange. Each refusal is recorded as
   * `call.refused`.
   */
  async authenticate(request: ApiRequest): Promise<RunIdentity> {
    try {
      bearerFromProviderKey(request);
      return await this.runAccess.authenticate(request);
    } catch (error) {
      if (!(error instanceof BrokerError) || error.retryable) throw error;
      const refusal = this.isStranger(request, error)
        ? new BrokerError('run_identity_missing', {
            detail: 'calls need a run token; exchange the token of your platform for one',
          })
        : error;
      await this.events.refused(
        { caller: callerOf(request) },
        { route: `${request.method} ${routeOf(request)}`, ...toolOf(request) },
        'run_identity',
        refusal,
      );
      throw refusal;
    }
  }

  private isStranger(request: ApiRequest, error: BrokerError): boolean {
    if (!STRANGERS.has(error.code)) return false;
    if (error.code !== 'run_token_invalid') return true;
    try {
      // Only to choose the words of a refusal: nothing in it is believed.
      const { iss } = decodeJwt((request.headers.authorization ?? '').replace(/^\S+ +/, ''));
      return iss !== this.settings.values.server.publicUrl;
    } catch {
      return true;
    }
  }
}

function toolOf(request: ApiRequest): { readonly tool?: string } {
  const { name, provider } = (request.params ?? {}) as { name?: unknown; provider?: unknown };
  const tool = name ?? provider;
  return typeof tool === 'string' ? { tool } : {};
}

import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { QueueRefusal } from '../kernel/fair-queue.js';
import type { Secret } from '../kernel/secret.js';
import { Settings } from '../settings/schema.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';
import { Transactions } from '../database/transaction.js';
import { AuditInbox } from '../audit/audit-inbox.js';
import { GrantDecisions } from '../grant/decide.js';
import type { GrantDecision } from '../grant/grant-decision.js';
import type { Grant } from '../grant/grant.js';
import { IssuerRegistry } from '../identity/issuer-registry.js';
import { RunTokens } from '../identity/run-tokens.js';
import { TokenUses } from '../identity/token-uses.js';
import { TokenVerifier } from '../identity/token-verifier.js';
import type { VerifiedToken } from '../identity/verified-token.js';
import { ExchangeQueue } from './exchange-queue.js';
import { ExchangeRefusals, type ExchangeProgress } from './exchange-refusals.js';
import { effectiveScope, narrowedScope, readScope, type WantedScope } from './exchange-scope.js';
import { aboutRun } from './run-event.js';
import type { Run } from './run.js';
import { Runs, StaleDecision } from './runs.js';

/** What a workload hands in for a run token (RFC 8693 §2.1). */
export interface ExchangeRequest {
  /** The platform's OIDC token. */
  readonly subjectToken: Secret;
  /** Name of the grant, where several match. */
  readonly grant?: string | undefined;
  readonly runId?: string | undefined;
  readonly stepId?: string | undefined;
  /** `grant:NAME` and `credential:NAME`, divided by spaces. */
  readonly scope?: string | undefined;
  /** Thumbprint of the key that a verified DPoP proof was made with; binds the run token to it. */
  readonly proofThumbprint?: string | undefined;
  readonly requestId: string;
  /** Aborts when nobody waits for the answer any more; what was not begun by then is not. */
  readonly signal?: AbortSignal | undefined;
}

/** The run token and what it stands for. */
export interface ExchangeAnswer {
  readonly accessToken: Secret;
  readonly expiresInSeconds: number;
  readonly tokenType: 'Bearer' | 'DPoP';
  readonly scope: string;
  readonly run: Run;
  readonly stepId: string;
  readonly grant: Grant;
}

/** How often a decision is made again because the grant changed while it was carried out. */
const MOST_DECISIONS = 3;

/** Turns a platform's token into a run token. */
@Injectable()
export class Exchange {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly issuers: IssuerRegistry,
    private readonly verifier: TokenVerifier,
    private readonly uses: TokenUses,
    private readonly decisions: GrantDecisions,
    private readonly runs: Runs,
    private readonly tokens: RunTokens,
    private readonly refusals: ExchangeRefusals,
    private readonly queue: ExchangeQueue,
  ) {}

  /**
   * Verifies the token, decides the grant, and opens the run or finds it open. The use of the token, the run and the
   * events are one transaction; the run token leaves only after its commit. Refuses with the codes of
   * `TokenVerifier.verify`, `GrantDecisions.decide`, `TokenUses.use` and `Runs.open`, and with `proof_required` and
   * `scope_refused`. Every refusal and failure is recorded as `exchange.refused`, but for those of {@link ExchangeQueue}:
   * nothing was decided by then.
   */
  async exchange(request: ExchangeRequest): Promise<ExchangeAnswer> {
    const progress: ExchangeProgress = { requestId: request.requestId };
    try {
      if (this.settings.values.runTokens.requireProof && request.proofThumbprint === undefined)
        throw new BrokerError('proof_required');
      const token = await this.queue.verifying.run(
        '',
        () => this.verifier.verify(request.subjectToken, 'workload'),
        request.signal,
      );
      progress.token = token;
      const wanted = readScope(request.scope, request.grant);
      await this.tokens.ready();
      return await this.queue.opening.run(
        `${token.issuerName} ${token.subject}`,
        () => this.decideAndOpen(request, token, wanted, progress),
        request.signal,
      );
    } catch (error) {
      if (error instanceof QueueRefusal) throw error;
      await this.refusals.record(error, progress);
      throw error;
    }
  }

  private async decideAndOpen(
    request: ExchangeRequest,
    token: VerifiedToken,
    wanted: WantedScope,
    progress: ExchangeProgress,
  ): Promise<ExchangeAnswer> {
    for (let round = 1; ; round += 1) {
      const { runId, stepId } = request;
      const decision = await this.decisions.decide(token, {
        ...(wanted.grant !== undefined && { grant: wanted.grant }),
        ...(runId !== undefined && { runId }),
        ...(stepId !== undefined && { stepId }),
      });
      progress.decision = decision;
      try {
        return await this.open(request, token, decision, narrowedScope(decision.grant, wanted));
      } catch (error) {
        if (!(error instanceof StaleDecision)) throw error;
        if (round === MOST_DECISIONS)
          throw new BrokerError('conflict', {
            detail: 'the grant keeps changing; try again',
            retryAfterSeconds: 1,
          });
        this.decisions.forget();
      }
    }
  }

  /** The one short transaction; nothing in it waits for anything but the database. */
  private async open(
    request: ExchangeRequest,
    token: VerifiedToken,
    decision: GrantDecision,
    scope: readonly string[],
  ): Promise<ExchangeAnswer> {
    const { grant, runId, stepId } = decision;
    const { requestId, proofThumbprint: keyThumbprint } = request;
    const { issuer, subject } = token;
    const caller = { actor: { type: 'workload', issuer, subject }, requestId } as const;
    const policy = this.issuerOf(token).replay;
    const bound = keyThumbprint === undefined ? {} : { keyThumbprint };
    const { run, minted } = await this.transactions.run(async (tx) => {
      await this.uses.use(tx, token, policy, `${grant.id} ${runId}`, keyThumbprint);
      const { run, opened } = await this.runs.open(tx, { decision, token, caller });
      const identity = { runRef: run.id, runId, stepId, issuer, subject, scope, ...bound };
      const named = { grantId: grant.id, grantName: grant.name, grantVersion: grant.version };
      const minted = await this.tokens.mint({ ...identity, ...named }, run.deadline);
      const { id, name, version } = grant;
      const context = { ...aboutRun(run, caller), stepId, grant: { id, name, version } };
      await this.audit.append(tx, 'exchange.accepted', context, {
        token_id: minted.tokenId,
        expires_at: minted.expiresAt.toISOString(),
        key_bound: keyThumbprint !== undefined,
        new_run: opened,
        ...(scope.length > 0 && { scope: scope.join(' ') }),
      });
      crashPoint('run.exchange.before-commit');
      return { run, minted };
    });
    crashPoint('run.exchange.committed');
    return {
      accessToken: minted.token,
      expiresInSeconds: Math.max(
        0,
        Math.floor((minted.expiresAt.getTime() - this.clock.now().getTime()) / 1000),
      ),
      tokenType: keyThumbprint === undefined ? 'Bearer' : 'DPoP',
      scope: effectiveScope(grant, scope),
      run,
      stepId,
      grant,
    };
  }

  private issuerOf(token: VerifiedToken): IssuerSettings {
    const issuer = this.issuers.byName(token.issuerName);
    if (issuer === undefined) throw new BrokerError('issuer_unknown');
    return issuer;
  }
}

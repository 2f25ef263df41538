import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Credential, Delivery } from '../credential/credential.js';
import { CredentialCatalogue } from '../credential/credential-catalogue.js';
import type { Grant } from '../grant/grant.js';
import { Grants } from '../grant/grants.js';
import { compileConditions } from '../grant/conditions.js';
import { gatewayPermission, leasePermission, type LeasePermission } from '../grant/lease-permission.js';
import type { RunIdentity } from '../identity/run-token.js';
import { BrokerError, hasCode } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import type { Run } from '../run/run.js';
import { Runs } from '../run/runs.js';
import { GatewayUse } from './gateway-use.js';
import { secondsLeft, type LeaseDecision, type WantedLease } from './lease-decision.js';

const REMEMBERED = 5_000;
const CREDENTIAL_SCOPE = 'credential:';

/**
 * Step 1 of a lease: whether grant, run and credential allow it, and for how long.
 *
 * What was read before is used again, because step 3 compares the versions under lock and sends a decision on old
 * facts back here. A refusal is never given on remembered facts.
 */
@Injectable()
export class LeaseDecisions {
  readonly #runs = new LRUCache<string, Run>({ max: REMEMBERED });
  readonly #grants = new LRUCache<string, Grant>({ max: REMEMBERED });
  readonly #credentials = new LRUCache<string, Credential>({ max: REMEMBERED });
  #gatewayUse: GatewayUse | undefined;

  constructor(
    private readonly runs: Runs,
    private readonly grants: Grants,
    private readonly catalogue: CredentialCatalogue,
    private readonly clock: Clock,
  ) {}

  /** Registers what knows which credentials the tools of a grant use; the gateway does so when it starts. */
  whenGatewayAsks(use: GatewayUse): void {
    this.#gatewayUse = use;
  }

  /**
   * Decides; `fresh` reads everything again. Refuses with `run_closed`, `run_identity_missing`,
   * `run_identity_refused`, `grant_not_active`, `grant_not_found`, `credential_not_granted`, `credential_disabled`, `delivery_refused`
   * or `ttl_refused`.
   */
  async decide(identity: RunIdentity, wanted: WantedLease, fresh: boolean): Promise<LeaseDecision> {
    const remembered = fresh || wanted.forGateway ? undefined : this.remembered(identity, wanted);
    if (remembered !== undefined) {
      try {
        return this.judge(identity, wanted, ...remembered);
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
      }
    }
    const read = await this.read(identity, wanted.credential);
    await this.refuseUnusedByTools(wanted, read[1]);
    return this.judge(identity, wanted, ...read);
  }

  /** Forgets what was read; after a refusal under lock, which shows that it is old. */
  forget(identity: RunIdentity, credential: string): void {
    this.#runs.delete(identity.runRef);
    this.#grants.delete(identity.grantId);
    this.#credentials.delete(credential);
  }

  private remembered(identity: RunIdentity, wanted: WantedLease): [Run, Grant, Credential] | undefined {
    const run = this.#runs.get(identity.runRef);
    const grant = this.#grants.get(identity.grantId);
    const credential = this.#credentials.get(wanted.credential);
    return run && grant && credential && [run, grant, credential];
  }

  private async read(identity: RunIdentity, name: string): Promise<[Run, Grant, Credential]> {
    const [run, grant, credential] = await Promise.all([
      this.runs.get(identity.runRef).catch(goneAs('run_closed')),
      this.grants.get(identity.grantId).catch(goneAs('grant_not_active')),
      this.catalogue.find(name),
    ]);
    // The catalogue is not the worker's business: what does not exist and what is not granted look the same.
    if (credential === undefined) throw new BrokerError('credential_not_granted', { field: 'credential' });
    this.#runs.set(run.id, run);
    this.#grants.set(grant.id, grant);
    this.#credentials.set(credential.name, credential);
    return [run, grant, credential];
  }

  /** A lease of the gateway is allowed by a tool of the grant that names the credential, and by nothing else. */
  private async refuseUnusedByTools(wanted: WantedLease, grant: Grant): Promise<void> {
    if (!wanted.forGateway) return;
    if ((await this.#gatewayUse?.allows(grant, wanted.credential)) === true) return;
    throw new BrokerError('credential_not_granted', {
      field: 'credential',
      detail: `no tool of grant ${grant.name} uses ${wanted.credential}`,
    });
  }

  private judge(
    identity: RunIdentity,
    wanted: WantedLease,
    run: Run,
    grant: Grant,
    credential: Credential,
  ): LeaseDecision {
    const decidedAt = this.clock.now();
    if (run.state !== 'open' || run.deadline <= decidedAt) throw new BrokerError('run_closed');
    if (run.grantId !== grant.id) throw new BrokerError('grant_not_active');
    const permission = permissionOf(grant, credential, wanted, decidedAt);
    // A scope of credentials is about what may be handed out; that of tools was looked at when the tool was allowed.
    if (!wanted.forGateway) refuseOutOfScope(identity.scope, credential.name);
    refuseOutgrown(identity, run, grant);
    const stepId = stepOf(identity, wanted, grant);
    const left = secondsLeft(decidedAt, run, grant);
    if (left < 1) throw new BrokerError('run_closed', { detail: 'less than a second of it is left' });
    const mayRenew = canBeRenewed(credential, permission.delivery);
    const lifeSeconds = Math.min(mayRenew ? permission.maxTtlSeconds : permission.ttlSeconds, left);
    return {
      run,
      grant,
      credential,
      stepId,
      delivery: permission.delivery,
      ttlSeconds: Math.min(permission.ttlSeconds, lifeSeconds),
      lifeSeconds,
      decidedAt,
    };
  }
}

// A certificate's end is in it, and the lease of what was wrapped is known to nobody who could renew it. A token that
// lived longer than such a lease could only keep alive what should be gone.
function canBeRenewed({ kind }: Credential, delivery: Delivery): boolean {
  return kind === 'kv' || (kind === 'database' && delivery !== 'wrapped');
}

/** What the grant allows; an absent wish is left out, not asked for as nothing. */
function permissionOf(
  grant: Grant,
  credential: Credential,
  { ttlSeconds, delivery, forGateway }: WantedLease,
  now: Date,
): LeasePermission {
  if (forGateway) return gatewayPermission(grant, credential, now);
  const wanted = {
    ...(ttlSeconds !== undefined && { ttlSeconds }),
    ...(delivery !== undefined && { delivery }),
  };
  return leasePermission(grant, credential, wanted, now);
}

// The exchange decided on the version that the run token names. Under a later one only what the run keeps of the
// token can be looked at; when that is not enough, another exchange decides.
function refuseOutgrown(identity: RunIdentity, run: Run, grant: Grant): void {
  if (identity.grantVersion === grant.version) return;
  if (compileConditions(grant.spec.workload).matches(run.claims)) return;
  throw new BrokerError('grant_not_found', {
    detail: 'the grant changed and no longer matches what is known of this run; exchange your token again',
  });
}

function stepOf(identity: RunIdentity, wanted: WantedLease, grant: Grant): string {
  const stepId = wanted.stepId ?? identity.stepId;
  if (stepId === '') throw new BrokerError('run_identity_missing', { field: 'step_id' });
  if (stepId !== identity.stepId && grant.spec.run.stepFrom !== 'asserted') {
    throw new BrokerError('run_identity_refused', {
      field: 'step_id',
      detail: 'the grant takes the step from the token, and the token names another',
    });
  }
  return stepId;
}

// A scope that names credentials or tools narrows the run token to these; an empty one leaves it to the grant.
function refuseOutOfScope(scope: readonly string[], name: string): void {
  if (scope.length > 0 && !scope.includes(`${CREDENTIAL_SCOPE}${name}`)) {
    throw new BrokerError('credential_not_granted', {
      field: 'credential',
      detail: 'the run token was narrowed to other credentials or to tools',
    });
  }
}

function goneAs(code: 'run_closed' | 'grant_not_active'): (error: unknown) => never {
  return (error) => {
    throw hasCode(error, 'not_found') ? new BrokerError(code) : error;
  };
}

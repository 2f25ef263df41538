import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import { Settings } from '../settings/schema.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';
import type { Tx } from '../database/transaction.js';
import { selectCredentials } from '../credential/credential-rows.js';
import { parseSpec } from '../credential/spec.js';
import { PLATFORM_PRESETS } from '../identity/presets.js';
import { checkClaimPath } from './claim-path.js';
import { compileConditions } from './conditions.js';
import type { Grant } from './grant.js';
import type { StoredGrant } from './grant-rows.js';
import type { GrantedTools } from './granted-tools.js';
import { grantSpecSchema, type GrantSpec, type GrantSpecInput } from './grant-spec.js';
import { lintGrant } from './lint.js';

/** What is checked before a grant is saved, and what is said about it afterwards. */
@Injectable()
export class GrantReview {
  readonly #issuers: ReadonlyMap<string, IssuerSettings>;
  #tools: GrantedTools | undefined;

  constructor(
    settings: Settings,
    private readonly clock: Clock,
  ) {
    this.#issuers = new Map(settings.values.issuers.map((issuer) => [issuer.name, issuer]));
  }

  /** Registers what knows the tools; the gateway does so when it starts. */
  whenToolsNamed(port: GrantedTools): void {
    this.#tools = port;
  }

  /**
   * A spec that may be saved. Refuses with `request_invalid` or `grant_conditions_invalid` and the field at fault;
   * nothing is saved that could not be decided by.
   */
  check(input: GrantSpecInput): GrantSpec {
    const spec = parseSpec(grantSpecSchema, input);
    const issuer = this.#issuers.get(spec.issuer);
    if (issuer === undefined)
      throw new BrokerError('request_invalid', {
        field: '/issuer',
        detail: `no issuer ${spec.issuer} is configured`,
      });
    if (!issuer.usableFor.includes('workload'))
      throw new BrokerError('request_invalid', {
        field: '/issuer',
        detail: `tokens of ${spec.issuer} are not taken from workloads`,
      });
    compileConditions(spec.workload);
    checkRunPlaces(spec.run, issuer);
    if (spec.expiresAt !== undefined && new Date(spec.expiresAt) <= this.clock.now())
      throw new BrokerError('request_invalid', { field: '/expires_at', detail: 'is not in the future' });
    return spec;
  }

  /**
   * Refuses a spec that names what there is not (`credential_unknown`, `tool_unknown`), or that says of a tool what
   * cannot be (`request_invalid`).
   */
  async checkNamed(tx: Tx, spec: GrantSpec): Promise<void> {
    const names = spec.credentials.map(({ name }) => name);
    const known = new Set(
      (await selectCredentials(tx, 'WHERE name = ANY($1)', [names])).map(({ name }) => name),
    );
    const index = names.findIndex((name) => !known.has(name));
    if (index >= 0)
      throw new BrokerError('credential_unknown', {
        field: `/credentials/${index}/name`,
        detail: `no credential ${names[index]}`,
      });
    if (spec.tools.length === 0) return;
    if (this.#tools === undefined) throw new Error('nothing is registered that would know the tools');
    await this.#tools.check(tx, spec.tools);
  }

  /** Stored grants with their warnings, as of now: a credential may have been disabled since. */
  async warned(tx: Tx, grants: readonly StoredGrant[]): Promise<Grant[]> {
    const names = new Set(grants.flatMap(({ spec }) => spec.credentials.map(({ name }) => name)));
    const entries = names.size === 0 ? [] : await selectCredentials(tx, 'WHERE name = ANY($1)', [[...names]]);
    const catalogue = new Map(entries.map((entry) => [entry.name, entry]));
    return grants.map(({ author: _author, approvedBy: _approvedBy, ...grant }) => ({
      ...grant,
      warnings: lintGrant(grant.spec, this.#issuers.get(grant.spec.issuer), catalogue),
    }));
  }
}

/** Refuses a grant that takes its run or step from a claim which neither it nor the issuer's preset names. */
function checkRunPlaces(run: GrantSpec['run'], issuer: IssuerSettings): void {
  const { places } = PLATFORM_PRESETS[issuer.preset];
  const parts = [
    { field: '/run/run_id_claim', from: run.from, claim: run.runIdClaim, preset: places.runId },
    { field: '/run/step_id_claim', from: run.stepFrom, claim: run.stepIdClaim, preset: places.stepId },
  ];
  for (const { field, from, claim, preset } of parts) {
    if (from === 'asserted') continue;
    if (claim === undefined && preset === undefined)
      throw new BrokerError('request_invalid', {
        field,
        detail: `is needed: the preset ${issuer.preset} does not say where it is`,
      });
    try {
      if (claim !== undefined) checkClaimPath(claim);
    } catch (error) {
      throw new BrokerError('request_invalid', {
        field,
        detail: error instanceof Error ? error.message : '',
      });
    }
  }
}

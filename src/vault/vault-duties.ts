import { z } from 'zod';
import type { Clock } from '../kernel/clock.js';
import { dataAnswer, readAnswer } from './answers.js';
import { ownRights } from './rights-table.js';
import type { VaultCall, VaultClient } from './vault-client.js';
import type { LeaseTokenNames } from './vault-credential-source.js';
import { VaultError } from './vault-error.js';
import { VAULT_FAULTS, type VaultFault } from './vault-fault.js';
import { reportOf, type VaultHealthReport } from './vault-health.js';
import { vaultPath } from './vault-path.js';
import type { VaultSession } from './vault-session.js';
import type { VaultTroubles } from './vault-troubles.js';

const capabilityList = z.array(z.string());
const LONGEST_CHECK_MS = 1_000;
/** Probes come often, and what is asked here seldom changes. */
const FRESH_MS = 3_000;

/**
 * Whether a Vault that answers lets the broker do its work: the rights of its login, the token role of leases, and what
 * became of the last attempts to make each credential. Looking also notices a token that was revoked under us, and logs
 * in again.
 */
export class VaultDuties {
  #last: { readonly atMs: number; readonly report: Promise<VaultHealthReport | undefined> } | undefined;

  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
    private readonly clock: Clock,
    private readonly names: LeaseTokenNames,
    private readonly troubles: VaultTroubles,
  ) {}

  /** Asks Vault unless it did so a moment ago; a good answer is believed for three seconds, a bad one for a third of it. Never rejects. */
  async check(): Promise<VaultHealthReport> {
    const nowMs = this.clock.monotonicMs();
    if (this.#last === undefined || nowMs - this.#last.atMs > FRESH_MS)
      this.#last = { atMs: nowMs, report: this.#own() };
    const own = await this.#last.report;
    if (own !== undefined) {
      // What was mended is to be seen soon.
      this.#last = { ...this.#last, atMs: Math.min(this.#last.atMs, nowMs - (FRESH_MS * 2) / 3) };
      return own;
    }
    return this.#ofCredentials();
  }

  #ofCredentials(): VaultHealthReport {
    const [worst] = [...this.troubles.counts()].sort(([, one], [, other]) => other - one);
    if (worst === undefined) return { ok: true, state: 'ready', detail: 'as it should be', advice: '' };
    const [state, count] = worst;
    const { what, advice } = VAULT_FAULTS[state];
    const detail = `${count} ${count === 1 ? 'credential' : 'credentials'}: ${what}; events \`lease.failed\` name them`;
    return { ok: false, state, detail, advice };
  }

  /** What is wrong with our own paths; undefined when nothing is. */
  async #own(): Promise<VaultHealthReport | undefined> {
    try {
      const [lacking] = await Promise.all([this.#lacking(), this.#tokenRole()]);
      if (lacking.length === 0) return undefined;
      return badly('rights_missing', lacking.join(', '));
    } catch (error) {
      return reportOf(error);
    }
  }

  async #lacking(): Promise<readonly string[]> {
    const rights = ownRights(this.names);
    const body = { paths: rights.map(({ path }) => path) };
    const call = { operation: 'capabilities', method: 'POST', path: 'sys/capabilities-self', body } as const;
    const { data } = readAnswer(dataAnswer, await this.#ask(call), call.operation);
    return rights
      .filter(({ path, capabilities }) => {
        const had = capabilityList.catch([]).parse(data[path]);
        return !had.includes('root') && capabilities.some((capability) => !had.includes(capability));
      })
      .map(({ purpose }) => purpose);
  }

  async #tokenRole(): Promise<void> {
    const path = vaultPath('auth/token/roles', this.names.leaseTokenRole);
    try {
      await this.#ask({ operation: 'token_role', method: 'GET', path });
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      if (error.httpStatus === 404) throw VaultError.of('token_role_missing', { operation: error.operation });
      // That it may not be looked at does not keep leases from being made.
      if (error.code !== 'vault_denied') throw error;
    }
  }

  #ask(call: Omit<VaultCall, 'token'>): Promise<unknown> {
    const timeoutMs = LONGEST_CHECK_MS;
    return this.session.use((token) => this.client.call({ ...call, token, timeoutMs }));
  }
}

function badly(state: VaultFault, why: string): VaultHealthReport {
  const { what, advice } = VAULT_FAULTS[state];
  return { ok: false, state, detail: `${what}: ${why}`, advice };
}

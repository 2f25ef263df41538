import { z } from 'zod';
import { BrokerError } from '../kernel/broker-error.js';
import type { Clock } from '../kernel/clock.js';
import { readAnswer } from './answers.js';
import type { VaultClient } from './vault-client.js';
import { VaultError } from './vault-error.js';
import { VAULT_FAULTS, type VaultFault } from './vault-fault.js';
import type { VaultSession } from './vault-session.js';

/** What keeps the broker from using Vault, or `ready`. */
export type VaultState = 'ready' | VaultFault;

/** An answer for readiness and `doctor`. */
export interface VaultHealthReport {
  readonly ok: boolean;
  readonly state: VaultState;
  /** For operators: what is wrong; no secret, no address, no name of a credential. */
  readonly detail: string;
  /** What to do about it; empty when all is well. */
  readonly advice: string;
  readonly version?: string;
  /** Vault's clock less ours, in seconds, to half a second; absent where Vault does not say. */
  readonly clockSkewSeconds?: number;
}

const health = z.object({
  initialized: z.boolean(),
  sealed: z.boolean(),
  standby: z.boolean().optional(),
  performance_standby: z.boolean().optional(),
  version: z.string().optional(),
  server_time_utc: z.number().optional(),
});
type Health = z.output<typeof health>;

const leader = z.object({ leader_address: z.string() });

const LONGEST_CHECK_MS = 2_000;

// With these every state answers 200, and the body says which (Vault API: `GET /sys/health`).
const ANY_STATE = {
  standbyok: 'true',
  perfstandbyok: 'true',
  sealedcode: '200',
  uninitcode: '200',
  drsecondarycode: '200',
};

/** Whether Vault can be used now. Asks Vault each time, two seconds at most for each of two questions. */
export class VaultHealth {
  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
    private readonly clock: Clock,
  ) {}

  /** Never rejects. */
  async check(): Promise<VaultHealthReport> {
    try {
      const askedMs = this.clock.now().getTime();
      const found = readAnswer(health, await this.#ask('health', 'sys/health', ANY_STATE), 'health');
      const betweenMs = (askedMs + this.clock.now().getTime()) / 2;
      const { version, server_time_utc: seconds } = found;
      return {
        ...(await this.#judge(found)),
        ...(version === undefined ? {} : { version }),
        // Whole seconds, cut off; half of one is what is missing on average.
        ...(seconds === undefined ? {} : { clockSkewSeconds: seconds + 0.5 - betweenMs / 1_000 }),
      };
    } catch (error) {
      return reportOf(error);
    }
  }

  async #judge({
    initialized,
    sealed,
    standby,
    performance_standby: serves,
  }: Health): Promise<VaultHealthReport> {
    if (!initialized) return bad('uninitialised');
    if (sealed) return bad('sealed');
    if (standby === true && serves !== true && (await this.#hasNoLeader())) return bad('no_leader');
    const { loggedIn, lastError } = this.session.state();
    if (loggedIn) return { ok: true, state: 'ready', detail: 'logged in', advice: '' };
    return lastError === undefined ? bad('login_refused', 'no login was tried yet') : reportOf(lastError);
  }

  async #hasNoLeader(): Promise<boolean> {
    const answer = await this.#ask('leader', 'sys/leader', {});
    return readAnswer(leader, answer, 'leader').leader_address === '';
  }

  #ask(operation: string, path: string, query: Readonly<Record<string, string>>): Promise<unknown> {
    const timeoutMs = LONGEST_CHECK_MS;
    return this.client.call({ operation, method: 'GET', path, query, timeoutMs, namespaced: false });
  }
}

/** The report of a failure: its fault, and why in a few words. */
export function reportOf(error: unknown): VaultHealthReport {
  if (!(error instanceof VaultError))
    return bad('unreachable', error instanceof BrokerError ? error.title : '');
  // The address that a standby named is for the log and not for everybody who may ask.
  const why = error.fault === 'redirect_refused' ? undefined : error.internal;
  return bad(error.fault, why);
}

function bad(state: VaultFault, why?: string): VaultHealthReport {
  const { what, advice } = VAULT_FAULTS[state];
  return { ok: false, state, detail: why === undefined || why === '' ? what : `${what} (${why})`, advice };
}

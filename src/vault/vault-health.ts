import { z } from 'zod';
import { BrokerError } from '../kernel/broker-error.js';
import { readAnswer } from './answers.js';
import type { VaultClient } from './vault-client.js';
import type { VaultSession } from './vault-session.js';

/** What keeps the broker from using Vault, or `ready`. */
export type VaultState = 'ready' | 'sealed' | 'uninitialised' | 'unreachable' | 'unauthenticated';

/** An answer for readiness and `doctor`. */
export interface VaultHealthReport {
  readonly ok: boolean;
  readonly state: VaultState;
  /** For operators: what is wrong; no secret. */
  readonly detail: string;
  readonly version?: string;
}

const health = z.object({ initialized: z.boolean(), sealed: z.boolean(), version: z.string().optional() });

const LONGEST_CHECK_MS = 2_000;

// With these every state answers 200, and the body says which (Vault API: `GET /sys/health`).
const ANY_STATE = {
  standbyok: 'true',
  perfstandbyok: 'true',
  sealedcode: '200',
  uninitcode: '200',
  drsecondarycode: '200',
};

/** Whether Vault can be used now. Asks Vault each time, two seconds at most. */
export class VaultHealth {
  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
  ) {}

  /** Never rejects. */
  async check(): Promise<VaultHealthReport> {
    try {
      const answer = await this.client.call({
        operation: 'health',
        method: 'GET',
        path: 'sys/health',
        query: ANY_STATE,
        timeoutMs: LONGEST_CHECK_MS,
        namespaced: false,
      });
      return this.#judge(readAnswer(health, answer, 'health'));
    } catch (error) {
      return bad('unreachable', detailOf(error));
    }
  }

  #judge({ initialized, sealed, version }: z.output<typeof health>): VaultHealthReport {
    const known = version === undefined ? {} : { version };
    if (!initialized) return { ...bad('uninitialised', 'Vault is not initialised'), ...known };
    if (sealed) return { ...bad('sealed', 'Vault is sealed'), ...known };
    const { loggedIn, lastError } = this.session.state();
    if (!loggedIn) return { ...bad('unauthenticated', `not logged in; ${detailOf(lastError)}`), ...known };
    return { ok: true, state: 'ready', detail: 'logged in', ...known };
  }
}

function bad(state: VaultState, detail: string): VaultHealthReport {
  return { ok: false, state, detail };
}

function detailOf(error: unknown): string {
  if (error instanceof BrokerError) return error.internal ?? error.title;
  return 'no login was tried yet';
}

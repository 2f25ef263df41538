import type { BrokerSettings } from '../broker-settings.js';

/** Longest time that any claim, lock or statement of a broker under test holds; a freeze lasts longer. */
export const LONGEST_DEADLINE_MS = 3_000;

/** Settings of a broker under test: every deadline short, so that a frozen broker misses all of them soon. */
export function faultSettings(usual: BrokerSettings): BrokerSettings {
  const sections = usual as Readonly<Record<string, object>>;
  return {
    ...usual,
    // Without calls a broker starts sooner, and it is started often.
    roles: ['api', 'scheduler', 'sequencer'],
    // One name for all replicas: a run token of one is good at the others.
    server: { ...sections['server'], publicUrl: 'http://leasegate.example', drainSeconds: 2 },
    log: { level: 'info' },
    database: { ...sections['database'], poolSize: 6, statementTimeoutMs: 2_000 },
    vault: { ...sections['vault'], timeoutMs: 2_000 },
    audit: { ...sections['audit'], sequenceIntervalMs: 50 },
    scheduler: { tickMs: 100, claimMs: 1_000 },
    leases: {
      issuingBoundSeconds: 3,
      claimSeconds: 3,
      revokeWaitMs: 2_000,
      backoffBaseMs: 100,
      backoffMaxMs: 1_000,
    },
  };
}

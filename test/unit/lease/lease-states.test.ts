import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REVOKE_CAUSES } from '../../../src/audit/revoke-cause.js';
import { hasCode } from '../../../src/kernel/broker-error.js';
import { endStateOf, hasEnded, LEASE_STATES, mayBecome } from '../../../src/lease/lease.js';

const state = fc.constantFrom(...LEASE_STATES);
const cause = fc.constantFrom(...REVOKE_CAUSES);

describe('the states of a lease', () => {
  it('refuse an end that nobody asked for, and one of a lease that is not ending', () => {
    const refused = (work: () => unknown): void => {
      let thrown: unknown;
      try {
        work();
      } catch (error) {
        thrown = error;
      }
      expect(hasCode(thrown, 'state_transition_refused')).toBe(true);
    };
    for (const each of LEASE_STATES) refused(() => endStateOf(each, null));
    for (const each of ['issuing', 'active', 'revoked', 'expired', 'forgotten'] as const) {
      for (const why of REVOKE_CAUSES) refused(() => endStateOf(each, why));
    }
    refused(() => endStateOf('orphaned', 'expiry'));
  });

  it('are never left once the lease has ended, nor entered twice', () => {
    fc.assert(
      fc.property(state, state, (from, to) => {
        if (hasEnded(from)) expect(mayBecome(from, to)).toBe(false);
        expect(mayBecome(from, from)).toBe(false);
      }),
    );
  });

  it('lead to an end from everywhere, and to `active` only from `issuing`', () => {
    fc.assert(
      fc.property(state, fc.array(fc.nat({ max: 5 }), { minLength: 4, maxLength: 4 }), (start, choices) => {
        let at = start;
        for (const choice of choices) {
          const open = LEASE_STATES.filter((next) => mayBecome(at, next));
          const next = open[choice % Math.max(open.length, 1)];
          if (next === undefined) break;
          if (next === 'active') expect(at).toBe('issuing');
          at = next;
        }
        expect(hasEnded(at)).toBe(true);
      }),
    );
  });

  it('name the end after the cause', () => {
    fc.assert(
      fc.property(cause, (why) => {
        expect(endStateOf('revoking', why)).toBe(why === 'expiry' ? 'expired' : 'revoked');
        if (why !== 'expiry') expect(endStateOf('orphaned', why)).toBe('revoked');
      }),
    );
  });
});

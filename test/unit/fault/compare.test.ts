import { describe, expect, it } from 'vitest';
import type { Books, LoggedEvent } from '../../../src/dev/fault/books.js';
import { compareBooks, type Comparison } from '../../../src/dev/fault/compare.js';
import { Ledger } from '../../../src/dev/fault/ledger.js';

const RUN = 'run-ref';
const LEASE = 'lease-1';
const KINDS = [
  'run.opened',
  'lease.requested',
  'lease.issued',
  'lease.renewed',
  'lease.revocation_requested',
  'run.closed',
  'lease.ended',
];

function events(kinds: readonly string[]): LoggedEvent[] {
  return kinds.map((kind, idx) => ({
    idx,
    kind,
    lease_id: kind.startsWith('lease.') ? LEASE : null,
    run_ref: RUN,
  }));
}

function books(changes: Partial<Books> = {}, kinds: readonly string[] = KINDS): Books {
  return {
    targetUsers: [],
    vault: { leases: [], tokens: [] },
    leases: [
      { id: LEASE, run_id: 'r', state: 'revoked', account: 'v-1', issued: true, ended: true, renewals: 1 },
    ],
    runs: [{ id: RUN, run_id: 'r', state: 'closed' }],
    events: events(kinds),
    log: { size: kinds.length, waiting: 0, rootFits: true, repeated: 0 },
    ...changes,
  };
}

function ledger(): Ledger {
  const told = new Ledger();
  told.handed({ id: LEASE, runId: 'r' }).renewals = 1;
  told.ended('r');
  return told;
}

const without = (kind: string): string[] => KINDS.filter((one) => one !== kind);
const twice = (kind: string): string[] => KINDS.flatMap((one) => (one === kind ? [one, one] : [one]));

describe('the four books', () => {
  it.each<[string, Books, keyof Comparison]>([
    ['a user that is left', books({ targetUsers: ['v-1'] }), 'aliveBeyondLease'],
    ['a lease that Vault has', books({ vault: { leases: ['a/b'], tokens: [] } }), 'aliveBeyondLease'],
    ['a token that Vault has', books({ vault: { leases: [], tokens: [LEASE] } }), 'aliveBeyondLease'],
    [
      'a row without an end',
      books(
        {
          leases: [
            {
              id: LEASE,
              run_id: 'r',
              state: 'revoking',
              account: null,
              issued: true,
              ended: false,
              renewals: 1,
            },
          ],
        },
        without('lease.ended'),
      ),
      'rowsWithoutEnd',
    ],
    ...without('lease.revocation_requested').map((kind): [string, Books, keyof Comparison] => [
      `no ${kind}`,
      books({}, without(kind)),
      'eventsMissing',
    ]),
    ['no mark', books({}, without('lease.revocation_requested')), 'eventsMissing'],
    ...KINDS.map((kind): [string, Books, keyof Comparison] => [
      `${kind} twice`,
      books({}, twice(kind)),
      'eventsDoubled',
    ]),
    ['events of no lease', books({ leases: [] }), 'eventsDoubled'],
    [
      'an event that nobody sequenced',
      books({ log: { size: 7, waiting: 1, rootFits: true, repeated: 0 } }),
      'eventsMissing',
    ],
    [
      'a changed entry',
      books({ log: { size: 7, waiting: 0, rootFits: false, repeated: 0 } }),
      'eventsMissing',
    ],
    [
      'an event that was sequenced again',
      books({ log: { size: 7, waiting: 0, rootFits: true, repeated: 1 } }),
      'eventsDoubled',
    ],
    [
      'a head that is ahead',
      books({ log: { size: 8, waiting: 0, rootFits: true, repeated: 0 } }),
      'eventsMissing',
    ],
    [
      'a gap in the log',
      books({ events: events(KINDS).map((event) => ({ ...event, idx: event.idx + 1 })) }),
      'eventsMissing',
    ],
    [
      'a run that was said to have ended',
      books({ runs: [{ id: RUN, run_id: 'r', state: 'open' }] }, without('run.closed')),
      'eventsMissing',
    ],
  ])('disagree about %s', (_what, changed, book) => {
    expect(compareBooks(changed, ledger())[book]).not.toEqual([]);
  });

  it('disagree about what a worker was told', () => {
    const told = ledger();
    told.handed({ id: 'lease-2', runId: 'r' });
    told.broken('an account works');
    const { eventsMissing, aliveBeyondLease } = compareBooks(books(), told);
    expect(eventsMissing).toEqual(['lease lease-2 was handed over and no row says so']);
    expect(aliveBeyondLease).toEqual(['an account works']);
  });

  it('agree', () => {
    expect(compareBooks(books(), ledger())).toEqual({
      aliveBeyondLease: [],
      rowsWithoutEnd: [],
      eventsMissing: [],
      eventsDoubled: [],
    });
  });
});

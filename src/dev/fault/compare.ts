import type { Books, LeaseRow, LoggedEvent } from './books.js';
import type { Ledger } from './ledger.js';

/** Where the books do not agree, once everything has come to rest. */
export interface Comparison {
  /** Credentials that live, in the target or in Vault, though their lease has ended or is unknown. */
  readonly aliveBeyondLease: readonly string[];
  readonly rowsWithoutEnd: readonly string[];
  readonly eventsMissing: readonly string[];
  readonly eventsDoubled: readonly string[];
}

/** How many events of a kind a lease must have: at least and at most. */
type Bounds = Readonly<Record<string, (lease: LeaseRow) => readonly [number, number]>>;

const OF_LEASE: Bounds = {
  'lease.requested': () => [1, 1],
  'lease.issued': ({ issued }) => (issued ? [1, 1] : [0, 0]),
  'lease.failed': () => [0, 1],
  'lease.renewed': ({ renewals }) => [renewals, renewals],
  'lease.revocation_requested': () => [0, 1],
  'lease.orphaned': () => [0, 1],
  'lease.lost': () => [0, 1],
  'lease.ended': ({ ended }) => (ended ? [1, 1] : [0, 0]),
};
/** Each lease that ended was marked for it by one of these. */
const MARKS = ['lease.revocation_requested', 'lease.orphaned', 'lease.failed'];
const ENDS_OF_RUN = ['run.closed', 'run.revoked', 'run.expired'];

/** Compares the books of brokers that have nothing left to do, with each other and with what workers were told. */
export function compareBooks(books: Books, ledger: Ledger): Comparison {
  const found = {
    aliveBeyondLease: [...ledger.brokenPromises],
    rowsWithoutEnd: [] as string[],
    eventsMissing: [] as string[],
    eventsDoubled: [] as string[],
  };
  for (const user of books.targetUsers) found.aliveBeyondLease.push(`user ${user} in the target`);
  for (const lease of books.vault.leases) found.aliveBeyondLease.push(`lease ${lease} in Vault`);
  for (const lease of books.vault.tokens) found.aliveBeyondLease.push(`token of lease ${lease} in Vault`);
  for (const { id, state, ended } of books.leases)
    if (!ended) found.rowsWithoutEnd.push(`lease ${id} is ${state}`);
  compareEvents(books, found);
  compareLedger(books, ledger, found);
  return found;
}

type Found = { readonly [Book in keyof Comparison]: string[] };

function compareEvents({ leases, runs, events, log }: Books, found: Found): void {
  const byLease = grouped(events, ({ lease_id: id }) => id);
  for (const lease of leases) {
    const own = byLease.get(lease.id) ?? [];
    for (const [kind, bounds] of Object.entries(OF_LEASE)) {
      const [least, most] = bounds(lease);
      expectCount(found, `${kind} of lease ${lease.id}`, count(own, kind), least, most);
    }
    if (lease.ended && !own.some(({ kind }) => MARKS.includes(kind)))
      found.eventsMissing.push(`lease ${lease.id} ended and nothing says why`);
    const order = own.map(({ kind }) => kind);
    if (lease.ended && order.length > 0 && order.indexOf('lease.ended') < order.lastIndexOf('lease.renewed'))
      found.eventsDoubled.push(`lease ${lease.id} was renewed after its end`);
  }
  const known = new Set(leases.map(({ id }) => id));
  for (const id of byLease.keys()) if (!known.has(id)) found.eventsDoubled.push(`events of no lease: ${id}`);
  const byRun = grouped(events, ({ run_ref: ref }) => ref);
  for (const { id, state } of runs) {
    const own = byRun.get(id) ?? [];
    expectCount(found, `run.opened of run ${id}`, count(own, 'run.opened'), 1, 1);
    const ends = ENDS_OF_RUN.reduce((sum, kind) => sum + count(own, kind), 0);
    const wanted = state === 'open' ? 0 : 1;
    expectCount(found, `end of run ${id}`, ends, wanted, wanted);
  }
  if (log.waiting > 0) found.eventsMissing.push(`${log.waiting} events wait in the inbox`);
  if (!log.rootFits) found.eventsMissing.push('the root of the log is not that of its entries');
  expectCount(found, 'events that are in the log again', log.repeated, 0, 0);
  expectCount(found, 'entries of the log', events.length, log.size, log.size);
  const gap = events.findIndex(({ idx }, place) => idx !== place);
  if (gap >= 0) found.eventsMissing.push(`the log has no entry ${gap}`);
}

function compareLedger({ leases, runs }: Books, ledger: Ledger, found: Found): void {
  const rows = new Map(leases.map((lease) => [lease.id, lease]));
  for (const { id, renewals } of ledger.leases) {
    const row = rows.get(id);
    if (row?.issued !== true) found.eventsMissing.push(`lease ${id} was handed over and no row says so`);
    else if (row.renewals < renewals)
      found.eventsMissing.push(`lease ${id} was renewed and its row does not say so`);
  }
  const states = new Map(runs.map(({ run_id: runId, state }) => [runId, state]));
  for (const runId of ledger.endedRuns) {
    if ((states.get(runId) ?? 'open') === 'open')
      found.eventsMissing.push(`run ${runId} was ended and its row does not say so`);
  }
}

function expectCount(found: Found, what: string, actual: number, least: number, most: number): void {
  if (actual < least) found.eventsMissing.push(`${what}: ${actual} instead of ${least}`);
  if (actual > most) found.eventsDoubled.push(`${what}: ${actual} instead of ${most}`);
}

function count(events: readonly LoggedEvent[], kind: string): number {
  return events.filter((event) => event.kind === kind).length;
}

function grouped(
  events: readonly LoggedEvent[],
  keyOf: (event: LoggedEvent) => string | null,
): ReadonlyMap<string, readonly LoggedEvent[]> {
  const groups = new Map<string, LoggedEvent[]>();
  for (const event of events) {
    const key = keyOf(event);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [event]);
    else group.push(event);
  }
  return groups;
}

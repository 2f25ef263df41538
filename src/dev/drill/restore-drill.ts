import { compareBooks, logsIn } from './books.js';
import type { DrillLease, DrillReport } from './broker-calls.js';
import type { DrillParts } from './drill-parts.js';

/** One step: its name, and what it does; answers what was seen, throws when it is not what should be. */
export type DrillStep = readonly [name: string, work: () => Promise<string>];

/** PostgreSQL is put back to a copy; Vault and the target are not. */
export function postgresDrill(parts: DrillParts): readonly DrillStep[] {
  const { api } = parts;
  let early: DrillLease;
  let late: readonly DrillLease[];
  return [
    [
      'postgres: copy made',
      async () => {
        early = await api.lease();
        await parts.stopBroker();
        await parts.backUpDatabase();
        await parts.startBroker();
        return 'one lease is in the copy';
      },
    ],
    [
      'postgres: work goes on',
      async () => {
        late = [await api.lease(), await api.lease()];
        await api.release(early);
        return 'two leases are not in the copy, and the one that is has ended';
      },
    ],
    [
      'postgres: copy put back',
      async () => {
        await parts.stopBroker();
        await parts.restoreDatabase();
        await parts.startBroker();
        const { look, changed_by: by } = await api.heldAndLooked();
        expectThat(by === 'system:database-identity', `held by ${by}`);
        expectCounts(look, { lease_lost: 1, lease_unknown: 2, target_user: 2 });
        for (const lease of late) expectThat(await logsIn(parts, lease), 'a worker was cut off by a hold');
        return 'held by itself; unknown: 2 leases without a row, 1 row without a lease; workers are not cut off';
      },
    ],
    [
      'postgres: reconciled',
      async () => {
        const report = await api.reconcile(false);
        expectThat(report.acted === 3, `settled ${report.acted}`);
        for (const lease of late)
          expectThat(!(await logsIn(parts, lease)), 'a login without a row still works');
        return '3 differences settled; the logins that no row knows are refused';
      },
    ],
    ['postgres: released', () => release(parts)],
  ];
}

/** Vault is put back to a snapshot; PostgreSQL and the target are not. */
export function vaultDrill(parts: DrillParts): readonly DrillStep[] {
  const { api } = parts;
  let snapshot: Uint8Array;
  let early: DrillLease;
  let late: DrillLease;
  return [
    [
      'vault: snapshot made',
      async () => {
        early = await api.lease();
        snapshot = await parts.vault.snapshot();
        return `one lease is in the snapshot of ${snapshot.length} bytes`;
      },
    ],
    [
      'vault: work goes on',
      async () => {
        late = await api.lease();
        await api.release(early);
        return 'one lease is not in the snapshot, and the one that is has ended';
      },
    ],
    [
      'vault: snapshot put back',
      async () => {
        await parts.vault.restore(snapshot);
        const { look, changed_by: by } = await api.heldAndLooked();
        expectThat(by === 'system:reconcile-vault', `held by ${by}`);
        expectCounts(look, { lease_lost: 1, lease_unknown: 1 });
        return 'held by itself; unknown: 1 row that Vault lost, 1 lease that ended and is back';
      },
    ],
    [
      'vault: reconciled',
      async () => {
        const report = await api.reconcile(false);
        expectThat(report.acted === 2, `settled ${report.acted}`);
        return '2 differences settled';
      },
    ],
    [
      'vault: released',
      async () => {
        await api.admin('POST', '/v1/hold/release', { reason: 'restore drill' });
        await allEnded(parts);
        const report = await api.reconcile(true);
        expectCounts(report, { target_user: 1 });
        expectThat(await logsIn(parts, late), 'the user is gone already');
        return 'Vault forgot a user that lives on at the target: reconciliation names it';
      },
    ],
    [
      'vault: user dropped by hand',
      async () => {
        await dropUser(parts, late);
        expectThat(!(await logsIn(parts, late)), 'the login still works');
        expectCounts(await api.reconcile(true), {});
        return compareBooks(parts);
      },
    ],
  ];
}

/** Both are put back to the same moment; the target is not. */
export function bothDrill(parts: DrillParts): readonly DrillStep[] {
  const { api } = parts;
  let snapshot: Uint8Array;
  let early: DrillLease;
  let late: DrillLease;
  return [
    [
      'both: copies made',
      async () => {
        early = await api.lease();
        await parts.stopBroker();
        await parts.backUpDatabase();
        snapshot = await parts.vault.snapshot();
        await parts.startBroker();
        late = await api.lease();
        return 'one lease is in both copies, one in neither';
      },
    ],
    [
      'both: copies put back',
      async () => {
        await parts.stopBroker();
        await parts.restoreDatabase();
        await parts.vault.restore(snapshot);
        await parts.startBroker();
        const { look } = await api.heldAndLooked();
        expectCounts(look, { target_user: 1 });
        expectThat(await logsIn(parts, early), 'a lease that all books know was cut off');
        return 'held by itself; a user at the target that neither knows; the lease that all know works';
      },
    ],
    [
      'both: user dropped by hand',
      async () => {
        await dropUser(parts, late);
        expectCounts(await api.reconcile(false), {});
        return 'nothing is unknown any more';
      },
    ],
    [
      'both: released',
      async () => {
        await api.admin('POST', '/v1/hold/release', { reason: 'restore drill' });
        await api.release(early);
        expectThat(!(await logsIn(parts, early)), 'the login still works');
        await allEnded(parts);
        return compareBooks(parts);
      },
    ],
  ];
}

async function release(parts: DrillParts): Promise<string> {
  await parts.api.admin('POST', '/v1/hold/release', { reason: 'restore drill' });
  await allEnded(parts);
  expectCounts(await parts.api.reconcile(true), {});
  return compareBooks(parts);
}

async function allEnded(parts: DrillParts): Promise<void> {
  await parts.api.until('the end of every lease', async () => {
    const rows = await parts.rows(`SELECT id FROM leases WHERE state NOT IN ('revoked', 'expired')`);
    return rows.length === 0 ? true : undefined;
  });
}

async function dropUser(parts: DrillParts, { username }: DrillLease): Promise<void> {
  await parts.atTarget(`DROP ROLE "${username}"`);
}

function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

function expectCounts({ counts }: DrillReport, wanted: Readonly<Record<string, number>>): void {
  const odd = Object.entries(counts).filter(([kind, count]) => count !== (wanted[kind] ?? 0));
  expectThat(odd.length === 0, `found ${odd.map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
}

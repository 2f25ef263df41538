import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bootstrapVault } from '../../../src/dev/bootstrap.js';
import { VaultRights, type RightsCheck } from '../../../src/vault/vault-rights.js';
import type { FindingView, ReconciliationView } from '../../../src/sdk/api-types.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

const RIGHT = 'vault right: list and sudo on auth/token/accessors';
const NOT_THEIRS = 'tokens of leases that no row knows';
const SLOW = { deadlineMs: 60_000 };

let world: World;
beforeAll(async () => {
  world = await startWorld({
    settings: {
      leases: { issuingBoundSeconds: 5 },
      reconciliation: { listTokens: true, vaultPerSecond: 5_000, everySeconds: 86_400 },
    },
  });
});
afterAll(() => world.stop());

/** A token as the broker makes one for a lease, or somebody else's, and no row of it. */
async function stray(role: string | undefined, leaseId: string): Promise<string> {
  const response = await fetch(
    `${world.vault.address}/v1/auth/token/${role === undefined ? 'create-orphan' : `create/${role}`}`,
    {
      method: 'POST',
      headers: { 'x-vault-token': world.vault.token },
      body: JSON.stringify({
        policies: [`${world.names.policyPrefix}orders-readonly`],
        no_default_policy: true,
        ttl: '10m',
        meta: { lease_id: leaseId },
      }),
    },
  );
  const { auth } = (await response.json()) as { auth: { accessor: string } };
  return auth.accessor;
}

const isThere = (accessor: string): Promise<boolean> =>
  world.vault.call('POST', 'auth/token/lookup-accessor', { accessor }).then(
    () => true,
    () => false,
  );

async function reconciled(
  dryRun: boolean,
): Promise<{ readonly report: ReconciliationView; readonly findings: readonly FindingView[] }> {
  const token = await world.adminToken();
  const body = { dry_run: dryRun, reason: 'looked at' };
  const asked = await world.call('POST', '/v1/reconciliations', { token, body });
  expect(asked.status).toBeLessThan(300);
  const { id } = asked.body as ReconciliationView;
  const report = await until(async () => {
    const read = (await world.call('GET', `/v1/reconciliations/${id}`, { token })).body as ReconciliationView;
    return read.finished_at === null ? undefined : read;
  }, SLOW);
  const found = await world.call('GET', `/v1/reconciliations/${id}/findings`, { token });
  return { report, findings: (found.body as { items: FindingView[] }).items };
}

const doctor = async (): Promise<RightsCheck | undefined> =>
  (await world.app.nest.get(VaultRights, { strict: false }).check([])).find(({ check }) => check === RIGHT);

it('without the right, doctor and the report say what is missing and what helps', async () => {
  expect(await doctor()).toMatchObject({
    ok: false,
    detail: expect.stringContaining(
      'list and sudo is missing; needed for finding forgotten tokens',
    ) as string,
    fix: expect.stringContaining('leasegate vault apply') as string,
  });
  const { report } = await reconciled(true);
  expect(report.state).toBe('done');
  expect(report.not_looked_at).toContainEqual({
    what: NOT_THEIRS,
    why: 'Vault: vault_denied; `leasegate vault apply` grants the right',
  });
});

it(
  'with it, a token that no row knows is found and ended, and nobody else’s',
  { timeout: 240_000 },
  async () => {
    // What `leasegate vault apply` does with the setting.
    await bootstrapVault(world.vault, world.names, world.credentials, { listTokens: true });
    expect(await doctor()).toMatchObject({ ok: true });
    const leaseId = randomUUID();
    const forgotten = await stray(world.names.leaseTokenRole, leaseId);
    const foreign = await stray(undefined, leaseId);
    const run = await world.runToken();
    const leased = await world.call('POST', '/v1/leases', {
      token: run,
      body: { credential: 'payments-api' },
    });
    expect(leased.status).toBe(201);
    const [row] = await world.query<{ accessor: string }>(
      `SELECT accessor FROM leases WHERE state = 'active'`,
    );

    // One that was made a moment ago may get its row yet.
    const { findings } = await until(async () => {
      const looked = await reconciled(true);
      return looked.report.counts.token_unknown > 0 ? looked : undefined;
    }, SLOW);
    expect(findings.filter(({ kind }) => kind === 'token_unknown')).toMatchObject([
      { lease_id: leaseId, action: 'none' },
    ]);
    expect(await isThere(forgotten)).toBe(true);

    const { report, findings: done } = await reconciled(false);
    expect(report.looked_at.tokens).toBeGreaterThanOrEqual(3);
    expect(report.not_looked_at.map(({ what }) => what)).not.toContain(NOT_THEIRS);
    expect(done.filter(({ kind }) => kind === 'token_unknown')).toMatchObject([
      { lease_id: leaseId, action: 'done' },
    ]);
    expect(await isThere(forgotten)).toBe(false);
    expect(await isThere(foreign)).toBe(true);
    expect(await isThere(row?.accessor ?? '')).toBe(true);
  },
);

it('the next apply without the setting takes it away', async () => {
  await bootstrapVault(world.vault, world.names, world.credentials);
  expect(await doctor()).toMatchObject({ ok: false });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

interface Ready {
  readonly ready: boolean;
  readonly checks: Readonly<
    Record<
      string,
      { readonly ok: boolean; readonly state?: string; readonly advice?: string; readonly detail?: string }
    >
  >;
}

const SLOW = { deadlineMs: 60_000 };
let world: World;
let token: string;

beforeAll(async () => {
  world = await startWorld();
  token = await world.runToken({ runId: 'field' });
}, 240_000);
afterAll(() => world.stop());

async function lease(credential = 'orders-readonly'): Promise<{ status: number; code: string | undefined }> {
  const { status, body } = await world.call('POST', '/v1/leases', { token, body: { credential } });
  return { status, code: (body as { code?: string }).code };
}

async function rights(): Promise<Ready['checks'][string] | undefined> {
  const { body } = await world.call('GET', '/readyz');
  return (body as Ready).checks['vault_rights'];
}

/** Breaks something in Vault, sees that it is named to the worker and to the operator, mends it, and sees it work. */
async function brokenAndMended(wanted: {
  readonly state: string;
  readonly code: string | undefined;
  readonly advice: string;
  readonly credential?: string;
  breakIt(): Promise<unknown>;
  mendIt(): Promise<unknown>;
}): Promise<void> {
  await wanted.breakIt();
  try {
    // What a worker is told, then what the operator sees.
    if (wanted.code !== undefined)
      expect(await lease(wanted.credential)).toEqual({ status: 502, code: wanted.code });
    const shown = await until(async () => {
      const check = await rights();
      return check?.state === wanted.state ? check : undefined;
    }, SLOW);
    expect(shown.ok).toBe(false);
    expect(shown.advice).toContain(wanted.advice);
    expect(JSON.stringify(shown)).not.toMatch(/orders-readonly|payments-api|internal-tls|127\.0\.0\.1/);
  } finally {
    await wanted.mendIt();
  }
  await until(async () => (await lease(wanted.credential)).status === 201, SLOW);
  await until(async () => (await rights())?.ok, SLOW);
}

/** Keeps what is at a path, and puts it back. */
function kept(path: string): { take(): Promise<unknown>; back(): Promise<unknown> } {
  let was: Readonly<Record<string, unknown>> = {};
  return {
    async take() {
      was = await world.vault.call('GET', path);
      return world.vault.call('DELETE', path);
    },
    back: () => world.vault.call('POST', path, was),
  };
}

describe('what somebody changed in Vault has a name for the worker and a cure for the operator, without a restart', () => {
  it('when the role of a credential was deleted', async () => {
    const role = kept(`${world.names.mounts.database}/roles/orders-readonly`);
    await brokenAndMended({
      state: 'role_missing',
      code: 'vault_role_missing',
      advice: 'make the role',
      breakIt: () => role.take(),
      mendIt: () => role.back(),
    });
  });

  it('when a mount was moved', async () => {
    const from = world.names.mounts.kv;
    const to = `${from}-moved`;
    const move = (one: string, other: string): Promise<unknown> =>
      until(async () => {
        await world.vault.call('POST', 'sys/remount', { from: one, to: other });
        return true;
      }, SLOW).then(() => until(() => world.vault.call('GET', `sys/mounts/${other}`), SLOW));
    await brokenAndMended({
      state: 'mount_missing',
      code: 'vault_mount_missing',
      credential: 'payments-api',
      advice: 'mount the engine again',
      breakIt: async () => {
        await move(from, to);
        await until(async () => (await lease('payments-api')).code === 'vault_mount_missing', SLOW);
      },
      mendIt: () => move(to, from),
    });
  });

  it('when the policy of a credential was deleted', async () => {
    const policy = kept(`sys/policies/acl/${world.names.policyPrefix}orders-readonly`);
    await brokenAndMended({
      state: 'credential_denied',
      code: 'vault_denied',
      advice: 'leasegate vault apply',
      breakIt: () => policy.take(),
      mendIt: () => policy.back(),
    });
  });

  it('when the token role of leases was deleted', async () => {
    const role = kept(`auth/token/roles/${world.names.leaseTokenRole}`);
    await brokenAndMended({
      state: 'token_role_missing',
      code: 'vault_role_missing',
      advice: 'leasegate vault apply',
      breakIt: () => role.take(),
      mendIt: () => role.back(),
    });
  });

  it('when the broker’s own policy was narrowed; that it may not lease is seen before anybody asks', async () => {
    const path = `sys/policies/acl/${world.names.brokerPolicy}`;
    const { policy } = await world.vault.call('GET', path);
    const narrowed = String(policy).replace(/auth\/token\/create\//g, 'auth/token/create/not-');
    expect(narrowed).not.toBe(policy);
    await brokenAndMended({
      state: 'rights_missing',
      code: undefined,
      advice: 'leasegate vault apply',
      breakIt: () => world.vault.call('POST', path, { policy: narrowed }),
      mendIt: async () => {
        expect(await lease()).toEqual({ status: 502, code: 'vault_denied' });
        await world.vault.call('POST', path, { policy });
      },
    });
  });

  it('when the broker’s token was revoked: nobody notices', async () => {
    const { keys } = await world.vault.call('LIST', 'auth/token/accessors');
    let revoked = 0;
    for (const accessor of keys as string[]) {
      const data: Readonly<Record<string, unknown>> = await world.vault
        .call('POST', 'auth/token/lookup-accessor', { accessor })
        .catch(() => ({}));
      if (data['path'] !== `auth/${world.names.approleMount}/login`) continue;
      await world.vault.call('POST', 'auth/token/revoke-accessor', { accessor });
      revoked += 1;
    }
    expect(revoked).toBeGreaterThan(0);
    expect(await lease()).toEqual({ status: 201, code: undefined });
    expect(await rights()).toEqual({ ok: true });
  });
});

/**
 * The worker of the demonstration: a program as a user of Leasegate would write it. It knows its platform's token
 * (a file), the broker's address and the address of the database, and has no credential. Each step is reported as one
 * line of JSON on standard output.
 */
import pg from 'pg';
import { LeasegateClient, LeasegateError, type HeldLease } from '../../sdk/index.js';
import type { StepName } from './step.js';

const target = JSON.parse(process.env['LEASEGATE_DEMO_TARGET'] ?? '{}') as {
  host: string;
  port: number;
  database: string;
};
const leasegate = new LeasegateClient({
  url: process.env['LEASEGATE_URL'] ?? '',
  runId: process.env['LEASEGATE_RUN_ID'],
  stepId: process.env['LEASEGATE_STEP_ID'],
});

async function step<T>(name: StepName, work: () => Promise<readonly [T, string]>): Promise<T> {
  const begin = performance.now();
  const report = (ok: boolean, detail: string): void => {
    process.stdout.write(`${JSON.stringify({ name, ok, ms: performance.now() - begin, detail })}\n`);
  };
  try {
    const [value, detail] = await work();
    report(true, detail);
    return value;
  } catch (error) {
    report(false, error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

async function logIn(lease: HeldLease): Promise<pg.Client> {
  const user = String(lease.data['username']);
  const password = String(lease.data['password']);
  const client = new pg.Client({ ...target, user, password });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function work(): Promise<void> {
  await step('worker-exchanges-token', async () => {
    const token = await leasegate.runToken();
    return [undefined, `run ${token.runId}, step ${token.stepId}, grant ${token.grant}`];
  });
  const lease = await step('worker-leases', async () => {
    const held = await leasegate.lease('orders-readonly', { ttlSeconds: 60 });
    return [held, `${held.credential} until ${held.expiresAt.toISOString()}`];
  });
  const session = await step('worker-logs-in', async () => {
    const client = await logIn(lease);
    const { rows } = await client.query<{ name: string; orders: number }>(
      'SELECT current_user AS name, (SELECT count(*)::int FROM orders) AS orders',
    );
    return [client, `current_user = ${rows[0]?.name}, reads ${rows[0]?.orders} orders`];
  });
  await step('worker-renews', async () => {
    const before = lease.expiresAt;
    const renewed = await leasegate.renewLease(lease.id, { ttlSeconds: 300 });
    if (!(new Date(renewed.expires_at ?? 0) > before)) throw new Error('the lease does not live longer');
    return [undefined, `${renewed.credential} until ${renewed.expires_at}`];
  });
  await step('run-closes', async () => {
    const { run, leases, proved } = await leasegate.run.close();
    if (run.state !== 'closed' || proved !== leases) {
      throw new Error(`the run is ${run.state}, ${proved} of ${leases} leases are proved to be gone`);
    }
    return [undefined, `run ${run.run_id} is closed, ${proved} of ${leases} leases proved to be gone`];
  });
  await step('login-refused', async () => {
    await session.end().catch(() => undefined);
    try {
      await (await logIn(lease)).end();
    } catch (error) {
      // 28P01 and 28000 are PostgreSQL's refusals of a login; anything else proves nothing.
      if (error instanceof pg.DatabaseError && (error.code === '28P01' || error.code === '28000')) {
        return [undefined, `PostgreSQL says: ${error.message}`];
      }
      throw error;
    }
    throw new Error('the login still works after the run was closed');
  });
}

/** The stranger has a good token of the same issuer, and no grant. */
async function trespass(): Promise<void> {
  await step('stranger-refused', async () => {
    try {
      await leasegate.lease('orders-readonly');
    } catch (error) {
      if (error instanceof LeasegateError && error.code === 'grant_not_found') {
        return [undefined, `${error.status} ${error.code}: ${error.detail}\nreference ${error.reference}`];
      }
      throw error;
    }
    throw new Error('a worker without a grant got a credential');
  });
}

await (process.argv.includes('--stranger') ? trespass() : work());

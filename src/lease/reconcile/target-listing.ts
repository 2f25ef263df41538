import { WatchedClient } from '../../database/watched-client.js';
import type { ReconciliationTarget } from '../../settings/reconciliation-schema.js';

const EVERY_USER = 'SELECT rolname FROM pg_catalog.pg_roles WHERE rolcanlogin';
const PAGE = 2_000;
const CONNECT_MS = 5_000;
const STATEMENT_MS = 15_000;

/**
 * Names of the users of a target, page by page, in one transaction that cannot write. Fails as the driver does: its
 * messages may hold what is secret.
 */
export async function* targetUsers(
  target: ReconciliationTarget,
  signal: AbortSignal,
): AsyncGenerator<readonly string[], void, undefined> {
  const client = new WatchedClient({
    connectionString: target.url.expose(),
    application_name: 'leasegate reconciliation',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    answerWithinMs: STATEMENT_MS + CONNECT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN READ ONLY');
    await client.query(`DECLARE users NO SCROLL CURSOR FOR ${target.query ?? EVERY_USER}`);
    for (;;) {
      signal.throwIfAborted();
      const { rows } = await client.query<unknown[]>({ text: `FETCH ${PAGE} FROM users`, rowMode: 'array' });
      if (rows.length > 0) yield rows.map(([name]) => String(name));
      if (rows.length < PAGE) return;
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

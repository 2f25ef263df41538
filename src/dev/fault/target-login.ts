import pg from 'pg';
import type { TargetDatabase } from '../target-database.js';

/** Whether an account opens a session in the target. Throws when the target does not say. */
export async function canLogIn(
  target: TargetDatabase,
  account: { readonly username: string; readonly password: string },
): Promise<boolean> {
  const client = new pg.Client({ connectionString: target.urlFor(account), connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    // 28P01: no such user or a wrong password; 28000: it may not log in.
    if (['28P01', '28000'].includes((error as { code?: string }).code ?? '')) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { select, usersInTarget } from './books.js';
import type { FaultWorld } from './fault-world.js';

const EVERY_MS = 1_000;

/** Looks, while a storm goes on, that no account is in the target whose lease is already said to have ended. */
export async function watchTarget({ parts, ledger }: FaultWorld, signal: AbortSignal): Promise<void> {
  const told = new Set<string>();
  while (!signal.aborted) {
    // The rows first: what they call dead has to be dead when the target is looked at after them.
    const ended = await select<{ id: string; account: string }>(
      parts.databaseUrl,
      `SELECT id, account FROM leases WHERE kind = 'database' AND account IS NOT NULL AND ended_at IS NOT NULL`,
    );
    const users = new Set(await usersInTarget(parts));
    for (const { id, account } of ended) {
      if (!users.has(account) || told.has(id)) continue;
      told.add(id);
      ledger.broken(`the row of lease ${id} says that it ended, and its account is in the target`);
    }
    await pause(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

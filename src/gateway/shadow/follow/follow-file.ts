import type { AuditInbox } from '../../../audit/audit-inbox.js';
import type { Transactions, Tx } from '../../../database/transaction.js';
import type { Caller } from '../../../kernel/caller.js';
import type { LogCursors } from './log-cursors.js';
import { readOn } from './log-file.js';

/** Makes something of the lines of one stretch; answers what writes it down. */
export type TakeLines = (lines: readonly string[]) => Promise<(tx: Tx) => Promise<void>>;

/** A log file, and what is made of it. */
export interface FollowedFile {
  /** Names its cursor, and where uses came from. */
  readonly source: string;
  readonly path: string;
  readonly take: TakeLines;
}

/** What following files needs. */
export interface FollowParts {
  readonly cursors: LogCursors;
  readonly transactions: Transactions;
  readonly audit: AuditInbox;
  /** Called after each stretch. */
  readonly progress?: () => void;
}

/**
 * Reads on in a file to its end; answers how many lines it took. What was made of a stretch and how far it goes are one
 * transaction, so that a crash loses and repeats nothing, and of replicas that follow the same file one writes.
 */
export async function followFile(
  { cursors, transactions, audit, progress }: FollowParts,
  { source, path, take }: FollowedFile,
  caller: Caller,
  signal: AbortSignal,
): Promise<number> {
  for (let total = 0; ;) {
    if (signal.aborted) return total;
    const cursor = await cursors.find(source);
    const chunk = await readOn(path, cursor);
    if (chunk === undefined) return total;
    const record = await take(chunk.lines);
    const moved = await transactions.run(async (tx) => {
      if (!(await cursors.move(tx, source, cursor, chunk.next))) return false;
      await record(tx);
      if (chunk.gap)
        await audit.append(
          tx,
          'shadow.lines_lost',
          { caller, outcome: 'failure' },
          { via: source, cause: 'gap' },
        );
      return true;
    });
    // Somebody else goes on from there.
    if (!moved) return total;
    total += chunk.lines.length;
    progress?.();
  }
}

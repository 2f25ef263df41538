import type { Tx } from '../../database/transaction.js';
import { isUuid } from '../../kernel/ids.js';
import { columnsOf, readEvent } from '../stored-event.js';
import type { ArchivedEntry } from './archive-files.js';

/** A closed part of the log. */
export interface ClosedRange {
  readonly fromIndex: number;
  readonly toIndex: number;
}

/**
 * A closed part, made anew beside the one that is there: rows are refused any change, so a part loses or regains entries
 * only as a whole. Only the owner of the tables can do it, in one transaction; readers wait for {@link swap} alone.
 */
export class PartRebuild {
  readonly #name: string;
  readonly #aside: string;

  constructor(
    private readonly tx: Tx,
    private readonly range: ClosedRange,
  ) {
    this.#name = `audit_entry_${range.fromIndex}`;
    this.#aside = `${this.#name}_new`;
  }

  /** Begins with the entries that are there, without those of some kinds. Answers how many it left out. */
  async begin(without: readonly string[]): Promise<number> {
    const { fromIndex, toIndex } = this.range;
    // Two at once would each lose what the other changed.
    await this.tx.query(`SELECT pg_advisory_xact_lock(hashtext('leasegate.audit.parts'))`);
    await this.tx.query(`CREATE TABLE ${this.#aside} (LIKE audit_entry INCLUDING ALL)`);
    // Attaching takes it as said, and need not look.
    await this.tx.query(
      `ALTER TABLE ${this.#aside} ADD CONSTRAINT audit_part_range
       CHECK (idx IS NOT NULL AND idx >= ${fromIndex} AND idx < ${toIndex})`,
    );
    if (!(await this.exists())) return 0;
    const [row] = await this.tx.query<{ left_out: string }[]>(
      `WITH kept AS (
         INSERT INTO ${this.#aside} SELECT * FROM ${this.#name} WHERE kind <> ALL($1::text[]) RETURNING 1
       ) SELECT (SELECT count(*) FROM ${this.#name}) - (SELECT count(*) FROM kept) AS left_out`,
      [without],
    );
    return Number(row?.left_out);
  }

  /** Adds entries that were archived. */
  async add(entries: readonly ArchivedEntry[], fallbackTime: Date): Promise<void> {
    const rows = entries.map(({ index, leaf }) => {
      const id = readEvent(leaf)?.['id'];
      const columns = columnsOf(leaf);
      return {
        idx: index,
        event_id: typeof id === 'string' && isUuid(id) ? id : null,
        kind: columns.kind,
        occurred_at: columns.occurredAt ?? fallbackTime.toISOString(),
        outcome: columns.outcome,
        code: columns.code,
        actor_issuer: columns.actorIssuer,
        actor_subject: columns.actorSubject,
        workload_issuer: columns.workloadIssuer,
        workload_subject: columns.workloadSubject,
        grant_id: columns.grantId,
        grant_version: columns.grantVersion,
        run_ref: columns.runRef,
        run_id: columns.runId,
        step_id: columns.stepId,
        lease_id: columns.leaseId,
        credential: columns.credential,
        tool: columns.tool,
        request_id: columns.requestId,
        account_hmac: columns.accountHmac,
        leaf: `\\x${leaf.toString('hex')}`,
      };
    });
    await this.tx.query(
      `INSERT INTO ${this.#aside} SELECT (jsonb_populate_record(NULL::${this.#aside},
         jsonb_set(row, '{event_id}', to_jsonb(coalesce(row->>'event_id', gen_random_uuid()::text))))).*
       FROM jsonb_array_elements($1::jsonb) AS row`,
      [JSON.stringify(rows)],
    );
  }

  /** Puts it in the place of the part that is there, in a moment; nothing when it is empty. */
  async swap(): Promise<void> {
    const { fromIndex, toIndex } = this.range;
    await this.tx.query(`SET LOCAL lock_timeout = '10s'`);
    // From here on nobody reads or writes the log: a process that stands still now is cut off.
    await this.tx.query(`SET LOCAL idle_in_transaction_session_timeout = '3s'`);
    await this.tx.query('LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE');
    if (await this.exists()) {
      await this.tx.query(`ALTER TABLE audit_entry DETACH PARTITION ${this.#name}`);
      await this.tx.query(`DROP TABLE ${this.#name}`);
    }
    const [row] = await this.tx.query<{ filled: boolean }[]>(
      `SELECT EXISTS (SELECT 1 FROM ${this.#aside}) AS filled`,
    );
    if (row?.filled !== true) {
      await this.tx.query(`DROP TABLE ${this.#aside}`);
      return;
    }
    await this.tx.query(`ALTER TABLE ${this.#aside} RENAME TO ${this.#name}`);
    await this.tx.query(
      `ALTER TABLE audit_entry ATTACH PARTITION ${this.#name} FOR VALUES FROM (${fromIndex}) TO (${toIndex})`,
    );
    await this.tx.query(`ALTER TABLE ${this.#name} DROP CONSTRAINT audit_part_range`);
    await this.tx.query('SELECT guard_audit_part($1::regclass)', [this.#name]);
    // What was left out cannot be made up later: not even the sequencer adds to a part that was made anew.
    await this.tx.query(
      `CREATE TRIGGER closed BEFORE INSERT ON ${this.#name} FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
    );
  }

  private async exists(): Promise<boolean> {
    const [row] = await this.tx.query<{ there: boolean }[]>('SELECT to_regclass($1) IS NOT NULL AS there', [
      this.#name,
    ]);
    return row?.there === true;
  }
}

import { Injectable } from '@nestjs/common';
import { leavesGaps, type AuditFilters } from '../audit/audit-filters.js';
import { AuditQuery } from '../audit/audit-query.js';
import { Checkpoints } from '../audit/log/checkpoints.js';
import { LogTree } from '../audit/log/log-tree.js';
import type { ExportScope } from './export-format.js';
import { InclusionProofs } from './inclusion-proofs.js';
import { PresentEntries } from './present-range.js';

/** What an export covers, and what proves each entry of a filtered one. */
export interface ScopeWithProofs extends ExportScope {
  /** Entries of the whole log. */
  readonly logSize: number;
  /** Entries before this one may be missing, since they were archived. */
  readonly archivedBefore: number | undefined;
  /** Undefined unless the export is filtered and the log signed. */
  readonly proofs: InclusionProofs | undefined;
}

/** Finds out what an export covers as the log stands at this moment. */
@Injectable()
export class ExportScopes {
  constructor(
    private readonly query: AuditQuery,
    private readonly tree: LogTree,
    private readonly checkpoints: Checkpoints,
    private readonly present: PresentEntries,
  ) {}

  /** The scope of an export with these filters. Refuses with `entries_archived` a range that is not all there. */
  async of(filters: AuditFilters): Promise<ScopeWithProofs> {
    const whole = await this.query.head();
    const filtered = leavesGaps(filters);
    const { fromIndex, archivedBefore } = filtered
      ? await this.present.filtered(whole.size, filters)
      : await this.present.dense(whole.size, filters);
    const size = Math.min(whole.size, filters.toIndex ?? whole.size);
    const rootHash = size === whole.size ? whole.rootHash : (await this.tree.rootAt(size)).toString('hex');
    const newest = await this.checkpoints.newest();
    const useful = newest !== undefined && newest.size >= fromIndex ? newest : undefined;
    return {
      head: { origin: whole.origin, size, rootHash },
      logSize: whole.size,
      fromIndex,
      archivedBefore,
      left: filtered ? [] : await this.#between(0, fromIndex),
      filtered,
      checkpoint: useful && {
        note: useful.note,
        right: filtered ? [] : await this.#between(size, Math.max(size, useful.size)),
      },
      proofs: filtered && useful !== undefined ? new InclusionProofs(this.tree, useful) : undefined,
    };
  }

  /** Hex; hashes that stand for the entries `[begin, end)`. */
  async #between(begin: number, end: number): Promise<string[]> {
    return (await this.tree.range(begin, end)).hashes.map((hash) => hash.toString('hex'));
  }
}

import { Injectable } from '@nestjs/common';
import type { AuditFilters } from '../audit/audit-filters.js';
import { LogParts, type GoneEntries } from '../audit/retention/parts.js';
import { BrokerError } from '../kernel/broker-error.js';

/** Which entries may be read, and what of them is not in the database. */
export interface PresentRange {
  readonly fromIndex: number;
  /** Entries before this one may be missing, since they were archived; undefined where none is. */
  readonly archivedBefore: number | undefined;
}

/** Which entries are in the database, before anybody is promised them. */
@Injectable()
export class PresentEntries {
  constructor(private readonly parts: LogParts) {}

  /**
   * The range without gaps: it begins where everything is in the database unless `fromIndex` or `toIndex` asked for what is
   * not; that is refused with `entries_archived`, which names the archive.
   */
  async dense(size: number, { fromIndex, toIndex }: AuditFilters): Promise<PresentRange> {
    const gone = await this.parts.gone();
    const end = Math.min(size, toIndex ?? size);
    const presentFrom = gone.at(-1)?.toIndex ?? 0;
    if (fromIndex === undefined && (toIndex === undefined || end > presentFrom))
      return {
        fromIndex: Math.min(presentFrom, end),
        archivedBefore: presentFrom === 0 ? undefined : presentFrom,
      };
    const begin = Math.min(fromIndex ?? 0, end);
    const first = gone.find((part) => part.fromIndex < end && part.toIndex > begin);
    if (first !== undefined) throw new BrokerError('entries_archived', { detail: whereIs(first) });
    return { fromIndex: begin, archivedBefore: undefined };
  }

  /** The range of a filter, which may have gaps, and what of it may be missing. */
  async filtered(size: number, { fromIndex = 0, toIndex, kinds }: AuditFilters): Promise<PresentRange> {
    const end = Math.min(size, toIndex ?? size);
    const begin = Math.min(fromIndex, end);
    return { fromIndex: begin, archivedBefore: await this.goneBefore(begin, end, kinds) };
  }

  /** Before which index some entry of a range, of these kinds, is gone; undefined where none is. */
  async goneBefore(
    begin: number,
    end: number,
    kinds: readonly string[] | undefined,
  ): Promise<number | undefined> {
    const missing = (await this.parts.gone()).filter(
      (part) =>
        part.fromIndex < end &&
        part.toIndex > begin &&
        (kinds === undefined || part.kinds.some((kind) => kinds.includes(kind))),
    );
    return missing.at(-1)?.toIndex;
  }
}

function whereIs({ fromIndex, toIndex, class: name, file }: GoneEntries): string {
  const what = `entries of class ${name} from ${fromIndex} to ${toIndex - 1}`;
  return file === undefined
    ? `${what} were destroyed`
    : `${what} are in the archive ${file}; \`leasegate audit restore ${fromIndex} ${name}\` brings them back`;
}

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { AuditQuery } from '../../audit/audit-query.js';
import { leavesGaps, type AuditFilters } from '../../audit/audit-filters.js';
import { Checkpoints } from '../../audit/log/checkpoints.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Ids } from '../../kernel/ids.js';
import { safeErrorText } from '../../kernel/safe-error.js';
import type { ScheduledExportSettings } from '../../settings/exports-schema.js';
import { Settings } from '../../settings/schema.js';
import { AuditExport } from '../audit-export.js';
import { ExportManifests, type ExportManifest } from '../export-manifests.js';
import { PresentEntries } from '../present-range.js';
import { ScheduleLostError, ScheduleRows, type HeldSchedule } from './schedule-rows.js';
import { SpanFolder, type SpanManifest } from './span-folder.js';

const FIRST_WAIT_MS = 10_000;
const LONGEST_WAIT_MS = 3_600_000;
/** The event that ends an export is sequenced within a moment, and signed a second later. */
const SEQUENCED_WITHIN_MS = 60_000;
const SIGNED_WITHIN_MS = 15_000;
const LOOK_MS = 200;

/** An export of the settings, with the kinds that its filter means. */
export interface Schedule {
  readonly settings: ScheduledExportSettings;
  readonly filters: AuditFilters;
}

/**
 * Writes exports to folders as time goes by. Each covers exactly what came since the last one: where a span ends is fixed in the
 * database before a byte is written, the span appears in the folder by one rename, and only then the cursor moves. Whoever
 * goes on after a crash writes the same span, or finds it written.
 */
@Injectable()
export class ScheduledExports {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly rows: ScheduleRows,
    private readonly exports: AuditExport,
    private readonly manifests: ExportManifests,
    private readonly present: PresentEntries,
    private readonly query: AuditQuery,
    private readonly checkpoints: Checkpoints,
  ) {}

  /** Writes one export if it is due; answers how many spans it wrote. A failure is recorded, and tried again. */
  async run(schedule: Schedule, signal: AbortSignal): Promise<number> {
    let held = await this.rows.takeDue(schedule.settings.name);
    if (held === undefined) return 0;
    try {
      held = await this.fixed(held, schedule);
      if (held.pendingTo === undefined) {
        await this.rows.nothing(held, this.nextAt(schedule));
        return 0;
      }
      crashPoint('export.span-fixed');
      const folder = await this.folderOf(schedule, held.nextIndex, held.pendingTo, held.fence);
      const manifest = (await folder.published()) ?? (await this.write(schedule, held, folder, signal));
      await this.rows.written(
        held,
        { fromIndex: held.nextIndex, toIndex: held.pendingTo, count: manifest.count, folder: folder.path },
        this.nextAt(schedule),
      );
      crashPoint('export.moved');
      return 1;
    } catch (error) {
      // What ended because the replica stops, or was overtaken, is no failure of the export.
      if (error instanceof ScheduleLostError || signal.aborted) return 0;
      await this.failed(held, error);
      return 0;
    }
  }

  /** Where the span ends: where an earlier writer fixed it, and else at the end of what is signed, or of the log. */
  private async fixed(from: HeldSchedule, { settings, filters }: Schedule): Promise<HeldSchedule> {
    const { size } = await this.query.head();
    let held = from;
    // Already in the folder, archived or not.
    const written =
      held.pendingTo !== undefined &&
      (await this.folderAt(settings, held.nextIndex, held.pendingTo, held.fence).published()) !== undefined;
    if (written) return held;
    const gone = await this.present.goneBefore(held.nextIndex, held.pendingTo ?? size, filters.kinds);
    // A filter has gaps anyway; what it may lack then stands in its manifest.
    if (gone !== undefined && !leavesGaps(filters))
      held = await this.rows.miss(held, Math.min(gone, held.pendingTo ?? gone));
    if (held.pendingTo !== undefined) return held;
    const signed = (await this.checkpoints.newest())?.size;
    const end = this.settings.values.audit.log.signing === undefined ? size : (signed ?? 0);
    if (end <= held.nextIndex) {
      if (size > held.nextIndex) throw new NotSigned('what has come since the last one is not signed yet');
      return held;
    }
    return this.rows.fix(held, end);
  }

  private async write(
    schedule: Schedule,
    held: HeldSchedule,
    folder: SpanFolder,
    signal: AbortSignal,
  ): Promise<SpanManifest> {
    const { settings, filters } = schedule;
    const { name, format, compression } = settings;
    await folder.begin();
    try {
      const checkpoint = await this.checkpoints.newest();
      const stream = await this.exports.stream(
        systemCaller('exports', this.ids.uuid()),
        { ...filters, fromIndex: held.nextIndex, toIndex: held.pendingTo },
        format,
        { compression, schedule: name },
      );
      const { about } = stream;
      const hash = createHash('sha256');
      let bytes = 0;
      await folder.write(about.fileName, counted(stream as AsyncIterable<Buffer>), signal);
      async function* counted(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
        for await (const piece of pieces) {
          hash.update(piece);
          bytes += piece.length;
          yield piece;
        }
      }
      const event = await this.event(about.exportId, signal);
      const { origin } = await this.query.head();
      const manifest: SpanManifest = {
        leasegate_manifest: 1,
        schedule: name,
        export_id: about.exportId,
        file: about.fileName,
        format,
        compression: compression ?? null,
        origin,
        from_index: about.fromIndex,
        to_index: about.toIndex,
        filtered: about.filtered,
        count: countOf(event),
        bytes,
        sha256: hash.digest('hex'),
        archived_before: about.archivedBefore ?? null,
        event,
      };
      await folder.write('manifest.json', [Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)]);
      if (checkpoint !== undefined) await folder.write('checkpoint', [Buffer.from(checkpoint.note)]);
      crashPoint('export.written');
      if (!(await this.rows.isHeld(held)))
        throw new ScheduleLostError('another replica has taken the export over');
      await folder.publish();
      crashPoint('export.published');
      return manifest;
    } finally {
      await folder.discard();
    }
  }

  /** The event of the end of an export, once the log has it; with its proof when it is signed in time. */
  private async event(exportId: string, signal: AbortSignal): Promise<ExportManifest> {
    const signing = this.settings.values.audit.log.signing !== undefined;
    const beganMs = this.clock.monotonicMs();
    for (;;) {
      const found = await this.manifests.of(exportId);
      const waitedMs = this.clock.monotonicMs() - beganMs;
      if (found !== undefined && (found.proof !== null || !signing || waitedMs > SIGNED_WITHIN_MS))
        return found;
      if (found === undefined && waitedMs > SEQUENCED_WITHIN_MS)
        throw new NotSequenced('the log has no end of the export yet');
      await wait(LOOK_MS, undefined, { signal });
    }
  }

  private async folderOf(
    { settings }: Schedule,
    fromIndex: number,
    toIndex: number,
    fence: string,
  ): Promise<SpanFolder> {
    // A folder that is not there may be a volume that is not mounted: nothing is written beside it.
    await stat(settings.directory);
    return this.folderAt(settings, fromIndex, toIndex, fence);
  }

  private folderAt(
    { directory, name }: ScheduledExportSettings,
    fromIndex: number,
    toIndex: number,
    fence: string,
  ): SpanFolder {
    return new SpanFolder(join(directory, name), fromIndex, toIndex, fence);
  }

  /** The next whole multiple of its interval in UTC. */
  private nextAt({ settings: { every } }: Schedule): Date {
    return new Date((Math.floor(this.clock.now().getTime() / every) + 1) * every);
  }

  private async failed(held: HeldSchedule, error: unknown): Promise<void> {
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(held.attempts, 20));
    try {
      await this.rows.failed(held, safeErrorText(error), waitMs);
    } catch (lost) {
      if (!(lost instanceof ScheduleLostError)) throw lost;
    }
  }
}

function countOf({ leaf }: ExportManifest): number {
  const { data } = JSON.parse(leaf) as { readonly data: { readonly count: number } };
  return data.count;
}

class NotSigned extends Error {
  override readonly name = 'NotSigned';
  readonly code = 'log_not_signed';
}

class NotSequenced extends Error {
  override readonly name = 'NotSequenced';
  readonly code = 'log_not_sequenced';
}

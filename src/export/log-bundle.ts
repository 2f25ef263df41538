import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { AuditInbox } from '../audit/audit-inbox.js';
import { Checkpoints, type SignedCheckpoint } from '../audit/log/checkpoints.js';
import { LogFiles } from '../audit/log/log-files.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Ids } from '../kernel/ids.js';
import { edgeLevels } from '../tlog/edge.js';
import { TILE_WIDTH, tilePath, widthAt, type TileName } from '../tlog/tile.js';
import { ExportStream } from './export-stream.js';
import { PresentEntries } from './present-range.js';
import { TAR_END, tarFile } from './tar.js';

const MAX_BUNDLES = 2;

/** Which entries a bundle has; everything that is signed unless told. */
export interface BundleRange {
  readonly fromIndex?: number | undefined;
  readonly toIndex?: number | undefined;
}

interface Bundle {
  readonly id: string;
  readonly caller: Caller;
  readonly checkpoint: SignedCheckpoint;
  readonly from: number;
  readonly to: number;
  readonly archivedBefore: number | undefined;
}

/**
 * The signed log as a tar file of the layout that public tools read: `checkpoint`, `keys` (a line each), `tile/…` with all
 * tiles of hashes, `tile/entries/…` with the bundles of the entries asked for, and `bundle.json`. Since all tiles are in
 * it, the entries of a range are proved to be in the whole log.
 */
@Injectable()
export class LogBundle {
  #open = 0;

  constructor(
    private readonly ids: Ids,
    private readonly inbox: AuditInbox,
    private readonly checkpoints: Checkpoints,
    private readonly files: LogFiles,
    private readonly present: PresentEntries,
  ) {}

  /**
   * Starts a bundle; recorded before its first byte and after its last one as exports are. Refuses with `not_found` while
   * the log is not signed, `request_invalid` for a range that it does not have, `entries_archived` for one that is not all
   * there, and `overloaded`.
   */
  async stream(caller: Caller, { fromIndex: asked, toIndex }: BundleRange): Promise<ExportStream> {
    const checkpoint = await this.checkpoints.newest();
    if (checkpoint === undefined) throw new BrokerError('not_found', { detail: 'the log is not signed yet' });
    const to = Math.min(toIndex ?? checkpoint.size, checkpoint.size);
    if ((asked ?? 0) > to) {
      throw new BrokerError('request_invalid', {
        field: 'from_index',
        detail: `is beyond the signed size ${checkpoint.size}, or behind to_index`,
      });
    }
    const { fromIndex, archivedBefore } = await this.present.dense(checkpoint.size, {
      fromIndex: asked,
      toIndex,
    });
    if (this.#open >= MAX_BUNDLES) {
      throw new BrokerError('overloaded', {
        detail: `${MAX_BUNDLES} bundles are being made`,
        retryAfterSeconds: 10,
      });
    }
    const bundle = { id: this.ids.uuid(), caller, checkpoint, from: fromIndex, to, archivedBefore };
    await this.inbox.record(
      'audit.exported',
      { caller },
      {
        export_id: bundle.id,
        format: 'bundle',
        from_index: fromIndex,
        to_index: to,
        filtered: false,
        archived_before: archivedBefore,
      },
    );
    this.#open += 1;
    return new ExportStream(
      {
        exportId: bundle.id,
        fromIndex,
        toIndex: to,
        logSize: checkpoint.size,
        filtered: false,
        archivedBefore,
        contentType: 'application/x-tar',
        fileName: `leasegate-log-${checkpoint.size}.tar`,
      },
      this.#written(bundle),
      async () => {
        this.#open -= 1;
      },
    );
  }

  async *#written(bundle: Bundle): AsyncGenerator<Buffer, void, void> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of this.#files(bundle)) {
      hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
    await this.inbox.record(
      'audit.export_finished',
      { caller: bundle.caller },
      {
        export_id: bundle.id,
        format: 'bundle',
        from_index: bundle.from,
        to_index: bundle.to,
        filtered: false,
        archived_before: bundle.archivedBefore,
        count: bundle.to - bundle.from,
        bytes,
        sha256: hash.digest('hex'),
      },
    );
  }

  async *#files({ checkpoint, from, to, archivedBefore }: Bundle): AsyncGenerator<Buffer, void, void> {
    const keys = await this.checkpoints.keys();
    const about = {
      leasegate_bundle: 1,
      origin: checkpoint.origin,
      size: checkpoint.size,
      from_index: from,
      to_index: to,
      ...(archivedBefore !== undefined && { archived_before: archivedBefore }),
    };
    yield tarFile('bundle.json', Buffer.from(`${JSON.stringify(about)}\n`));
    yield tarFile('checkpoint', Buffer.from(checkpoint.note));
    yield tarFile('keys', Buffer.from(keys.map(({ line }) => `${line}\n`).join('')));
    for (const name of bundledFiles(checkpoint.size, from, to)) {
      const content = await this.files.read(name, checkpoint.size);
      if (content === undefined) throw new Error(`the log has no ${tilePath(name)}`);
      yield tarFile(tilePath(name), content);
    }
    yield TAR_END;
  }
}

/** All tiles of a tree, and the bundles that have entries of the range. */
export function* bundledFiles(size: number, from: number, to: number): Generator<TileName, void, void> {
  for (let level = 0; level < edgeLevels(size); level += 1) {
    for (let n = 0; ; n += 1) {
      const width = widthAt(level, n, size);
      if (width === 0) break;
      yield { level, n, width };
      const first = n * TILE_WIDTH;
      if (level === 0 && first < to && first + width > from) yield { level: 'entries', n, width };
    }
  }
}

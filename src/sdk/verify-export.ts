import type { BlockScan } from './verify/block-scan.js';
import { blocksOf, type Block } from './verify/blocks.js';
import { ExportCheck } from './verify/export-check.js';
import type { ExportVerification, VerifyOptions } from './verify/export-verification.js';
import { Scanners } from './verify/scanners.js';

export type {
  ExpectedHead,
  ExportProblem,
  ExportVerification,
  VerifyOptions,
  VerifyProgress,
} from './verify/export-verification.js';

/** Blocks that each thread has before it, so that none waits for the one that reads. */
const BLOCKS_PER_THREAD = 3;

interface Scanned {
  readonly block: Block;
  readonly begin: number;
  readonly scan: Promise<BlockScan> | undefined;
}

/**
 * Verifies a JSON Lines export offline, in one pass and constant memory. It needs nothing but the file.
 *
 * Of a whole export (and of a range of indexes) it finds any changed, missing, added, doubled or reordered entry, a cut
 * end, and any line that is not byte for byte what the broker writes. Of a filtered one it checks each leaf against
 * its hash, and the file against its own checksum.
 *
 * With the keys of the log it proves that the broker vouched for exactly these entries at these indexes. Without, someone
 * who rewrites a file consistently is found only by a head that was noted down before
 * ({@link VerifyOptions.expectedHead}).
 *
 * Rejects only when the stream does; a bad file is an answer and not an error.
 *
 * @example
 * const { ok, problems } = await verifyExport(createReadStream('audit.jsonl'));
 */
export async function verifyExport(
  stream: AsyncIterable<Uint8Array | string>,
  options: VerifyOptions = {},
): Promise<ExportVerification> {
  const check = new ExportCheck(options);
  const threads = Math.max(1, Math.floor(options.threads ?? 1));
  const ahead = threads === 1 ? 0 : threads * BLOCKS_PER_THREAD;
  const scanners = new Scanners(check.keys, threads);
  const waiting: Scanned[] = [];
  // What is wrong is found in the order of the file, and by the same code, however many look ahead of it.
  const settle = async (most: number): Promise<void> => {
    while (waiting.length > most) {
      const { block, begin, scan } = waiting.shift() as Scanned;
      check.block(block, begin, await scan);
      options.onProgress?.({ entries: check.count, total: check.total });
    }
  };
  try {
    let first = true;
    for await (const block of blocksOf(stream, ahead + 2)) {
      const begin = first ? check.firstLine(block) : 0;
      first = false;
      const { header } = check;
      const scan = header && scanners.scan(block.bytes, begin, header);
      // Seen when it is its turn; until then it is not unhandled.
      scan?.catch(() => undefined);
      waiting.push({ block, begin, scan });
      await settle(ahead);
    }
    await settle(0);
    return check.finish();
  } finally {
    await scanners.close();
  }
}

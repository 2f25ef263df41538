import type { ExportVerification, VerifyOptions } from './verify/export-verification.js';
import { scanExport } from './verify/export-scan.js';
import { keysOf } from './verify/log-keys.js';
import { Scanners } from './verify/scanners.js';

export type {
  ExpectedHead,
  ExportProblem,
  ExportVerification,
  VerifyOptions,
  VerifyProgress,
} from './verify/export-verification.js';

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
  const scanners = new Scanners(keysOf(options), threadsOf(options));
  try {
    return (await scanExport(stream, options, scanners)).found;
  } finally {
    await scanners.close();
  }
}

/** How many threads there should be, this one not counted unless it is the only one. */
export function threadsOf({ threads = 1 }: VerifyOptions): number {
  return Math.max(1, Math.floor(threads));
}

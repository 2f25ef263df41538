import { blocksOf, type Block } from './blocks.js';
import { ExportCheck } from './export-check.js';
import type { Header } from './export-lines.js';
import type { ExportVerification, VerifyOptions } from './export-verification.js';
import { bufferOf, type ScanAnswers } from './scan-work.js';
import type { Scanners } from './scanners.js';

/** Blocks that each thread has before it, so that none waits for the one that reads. */
const BLOCKS_PER_THREAD = 3;

/** What was found in an export, and its first line where that is one. */
export interface ScannedExport {
  readonly found: ExportVerification;
  readonly header: Header | undefined;
}

interface Scanned {
  readonly block: Block;
  readonly begin: number;
  readonly scan: Promise<ScanAnswers['block']> | undefined;
}

/** Verifies an export in one pass, with the threads of `scanners`. Rejects when the stream does. */
export async function scanExport(
  stream: AsyncIterable<Uint8Array | string>,
  options: VerifyOptions,
  scanners: Scanners,
): Promise<ScannedExport> {
  const check = new ExportCheck(options);
  const ahead = scanners.threads === 1 ? 0 : scanners.threads * BLOCKS_PER_THREAD;
  const waiting: Scanned[] = [];
  // What is wrong is found in the order of the file, and by the same code, however many look ahead of it.
  const settle = async (most: number): Promise<void> => {
    while (waiting.length > most) {
      const { block, begin, scan } = waiting.shift() as Scanned;
      const found = await scan;
      check.block(
        block,
        begin,
        found && { ...found, hashes: bufferOf(found.hashes), nodes: found.nodes.map(bufferOf) },
      );
      options.onProgress?.({ entries: check.count, total: check.total });
    }
  };
  let first = true;
  for await (const block of blocksOf(stream, ahead + 2)) {
    const begin = first ? check.firstLine(block) : 0;
    first = false;
    const { header } = check;
    const scan = header && scanners.scan('block', { bytes: block.bytes, begin, header: told(header) });
    waiting.push({ block, begin, scan });
    await settle(ahead);
  }
  await settle(0);
  return { found: check.finish(), header: check.header };
}

function told({ filtered, origin }: Header): Pick<Header, 'filtered' | 'origin'> {
  return { filtered, origin };
}

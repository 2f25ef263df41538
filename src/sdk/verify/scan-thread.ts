import { parentPort, workerData } from 'node:worker_threads';
import { keyOfLine } from '../../tlog/note.js';
import { BlockScanner } from './block-scan.js';
import type { ScanAnswer, ScanTask } from './scanners.js';

// What a thread of `Scanners` runs.
const scanner = new BlockScanner(
  (workerData as readonly string[]).map(keyOfLine).filter((key) => key !== undefined),
);
parentPort?.on('message', ({ id, bytes, begin, header }: ScanTask) => {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const answer: ScanAnswer = { id, ...scanner.scan(block, begin, header) };
  parentPort?.postMessage(answer);
});

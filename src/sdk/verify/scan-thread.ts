import { parentPort, workerData } from 'node:worker_threads';
import { keyOfLine } from '../../tlog/note.js';
import { ScanWork, type ScanTasks } from './scan-work.js';
import type { ThreadAnswer, ThreadTask } from './scanners.js';

// What a thread of `Scanners` runs.
const work = new ScanWork(
  (workerData as readonly string[]).map(keyOfLine).filter((key) => key !== undefined),
);
parentPort?.on('message', <K extends keyof ScanTasks>({ id, kind, task }: ThreadTask<K>) => {
  let answer: ThreadAnswer;
  try {
    answer = { id, found: work.does[kind](task) };
  } catch (error) {
    // A file that cannot be read, most often. Errors lose their codes between threads.
    const { message, code } = error as NodeJS.ErrnoException;
    answer = { id, failed: { message, code } };
  }
  parentPort?.postMessage(answer);
});

import type { NoteKey } from '../../tlog/note.js';
import type { VerifyOptions } from './export-verification.js';
import type { LogFolder } from './log-folder.js';
import type { PartVerification } from './part-verification.js';
import type { Scanners } from './scanners.js';
import { checkSpan } from './span-check.js';

/** Verifies the spans of one scheduled export; all have to be of the same one. */
export function checkSchedule(
  folder: LogFolder,
  keys: readonly NoteKey[],
  scanners: Scanners,
): (part: string, options: VerifyOptions) => Promise<PartVerification> {
  let first: string | undefined;
  return async (part, options) => {
    const { schedule, ...found } = await checkSpan(folder.sub(part), keys, options, scanners);
    first ??= schedule;
    if (schedule === undefined || schedule === first) return found;
    const problem = {
      line: 0,
      file: 'manifest.json',
      problem: `it is of the schedule ${schedule}, and the spans before it are of ${first}`,
    };
    return {
      ...found,
      ok: false,
      problems: [...found.problems, problem],
      problemCount: found.problemCount + 1,
    };
  };
}

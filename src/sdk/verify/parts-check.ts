import type { ExportProblem, ExportVerification, VerifyOptions } from './export-verification.js';
import { NOTHING } from './folder-check.js';
import { NO_PART, type PartVerification } from './part-verification.js';

const DEFAULT_MOST = 100;

/** How the parts of a whole are spoken of. */
export interface PartWords {
  /** What one of them is called, with its article. */
  readonly one: string;
  /** What may be the reason of a gap. */
  readonly gap: string;
}

/** The words for archives of retention. */
export const ARCHIVES: PartWords = {
  one: 'an archive',
  gap: 'an archive was taken away, or a legal hold keeps them in the database',
};

/** The words for spans of a scheduled export. */
export const SPANS: PartWords = {
  one: 'a span',
  gap: 'a span was taken away, unless `audit.export_missed` in the log names them',
};

/**
 * Verifies parts of a log one after another, by their folders, and what is between them: each has to begin where the one
 * before it ended, and with the tree that that one ended with.
 */
export async function checkParts(
  folders: readonly string[],
  check: (folder: string, options: VerifyOptions) => Promise<PartVerification>,
  words: PartWords,
  options: VerifyOptions,
): Promise<PartVerification> {
  let all: PartVerification | undefined;
  let entries = 0;
  const { onProgress, maxProblems = DEFAULT_MOST } = options;
  for (const folder of folders) {
    const before = entries;
    const part = await check(folder, {
      ...options,
      ...(onProgress && {
        onProgress: ({ entries: here }) => onProgress({ entries: before + here, total: undefined }),
      }),
    });
    entries += part.count;
    all = joined(all, part, { folder, words, maxProblems });
  }
  return all ?? { ...NOTHING, ...NO_PART, ok: true, problems: [], problemCount: 0, limits: [] };
}

/** Says so where a head was expected and nothing that was verified passes its size. */
export function withHead(part: PartVerification, { expectedHead: head }: VerifyOptions): ExportVerification {
  const { span: _span, rootBefore: _before, rootAfter: _after, compared, ...found } = part;
  if (head === undefined || part.span === undefined) return found;
  const wrong: ExportProblem[] = [];
  if (!compared)
    wrong.push({
      line: 0,
      problem: `nothing here leads to the expected size ${head.size}: the head was not compared`,
    });
  if (head.origin !== undefined && found.origin !== head.origin)
    wrong.push({ line: 0, problem: 'the log is another one than the one that was expected' });
  return {
    ...found,
    ok: found.ok && wrong.length === 0,
    problems: [...found.problems, ...wrong],
    problemCount: found.problemCount + wrong.length,
  };
}

interface Joint {
  readonly folder: string;
  readonly words: PartWords;
  readonly maxProblems: number;
}

/** What was found in the parts so far and in the next one, as one answer. */
function joined(
  before: PartVerification | undefined,
  part: PartVerification,
  { folder, words, maxProblems }: Joint,
): PartVerification {
  const own = part.problems.map((problem) => ({
    ...problem,
    file: problem.file === undefined ? folder : `${folder}/${problem.file}`,
  }));
  const between = [...placeProblems(folder, part), ...(before ? jointProblems(before, part, words) : [])].map(
    (problem) => ({ line: 0, file: folder, problem }),
  );
  const known = before ?? { ...part, ok: true, count: 0, problems: [], problemCount: 0, limits: [] };
  const span =
    part.span === undefined
      ? known.span
      : { from: known.span?.from ?? part.span.from, to: Math.max(part.span.to, known.span?.to ?? 0) };
  return {
    ...part,
    ok: known.ok && part.ok && between.length === 0,
    count: known.count + part.count,
    firstIndex: known.firstIndex ?? part.firstIndex,
    lastIndex: part.lastIndex ?? known.lastIndex,
    origin: known.origin ?? part.origin,
    checkpointSize: known.checkpointSize === null ? null : part.checkpointSize,
    proved: known.proved === null || part.proved === null ? null : known.proved + (before ? part.proved : 0),
    problems: [...known.problems, ...between, ...own].slice(0, maxProblems),
    problemCount: known.problemCount + between.length + part.problemCount,
    limits: [...new Set([...known.limits, ...part.limits])],
    span,
    compared: known.compared || part.compared,
  };
}

/** The folder of a part is named by its span. */
function placeProblems(folder: string, { span }: PartVerification): string[] {
  if (span === undefined) return [];
  const named = folder.split('-').map(Number);
  return named[0] === span.from && named[1] === span.to
    ? []
    : [`the folder is named by other entries than ${span.from} to ${span.to - 1}, which its manifest names`];
}

function jointProblems(
  before: PartVerification,
  { span, origin, rootBefore }: PartVerification,
  words: PartWords,
): string[] {
  const problems: string[] = [];
  if (before.origin !== null && origin !== null && before.origin !== origin)
    problems.push(`it is ${words.one} of another log than the one before it`);
  if (before.span === undefined || span === undefined) return problems;
  const { to } = before.span;
  if (span.from > to) problems.push(`entries ${to} to ${span.from - 1} are missing before it: ${words.gap}`);
  if (span.from < to)
    problems.push(
      `entries ${span.from} to ${Math.min(to, span.to) - 1} are there twice: the one before it has them too`,
    );
  if (
    span.from === to &&
    before.rootAfter !== undefined &&
    rootBefore !== undefined &&
    rootBefore !== before.rootAfter
  )
    problems.push(`the log before entry ${to} is not the one that the one before it ends with`);
  return problems;
}

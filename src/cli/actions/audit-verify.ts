import { availableParallelism } from 'node:os';
import { plainBytes } from '../../sdk/plain-file.js';
import { verifyExport, type ExpectedHead, type ExportProblem } from '../../sdk/verify-export.js';
import { verifyManifest } from '../../sdk/verify-manifest.js';
import { verifyPath, type PathVerification } from '../../sdk/verify-path.js';
import { keyOfLine } from '../../tlog/note.js';
import { usageError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';
import { Progress } from '../progress.js';

/** Beyond it the one that reads is what the others wait for. */
const MAX_THREADS = 16;

/** `audit verify`: offline; exits with 1 when anything is not as it was written. */
export async function verify(invocation: Invocation): Promise<number> {
  const { output } = invocation;
  const result = await withManifest(invocation, await verified(invocation));
  await output.show(
    {
      ok: result.ok,
      kind: result.kind,
      count: result.count,
      first_index: result.firstIndex,
      last_index: result.lastIndex,
      root_hash: result.rootHash,
      checkpoint_size: result.checkpointSize,
      origin: result.origin,
      filtered: result.filtered,
      proved: result.proved,
      problems: result.problems,
      problem_count: result.problemCount,
      limits: result.limits,
    },
    () =>
      output.fields([
        ['verified', result.ok ? 'yes' : 'NO'],
        ['what', result.kind],
        ['records', result.count],
        ['from', result.firstIndex],
        ['to', result.lastIndex],
        ['origin', result.origin],
        ['root hash', result.rootHash],
        ['signed up to', result.checkpointSize],
      ]),
  );
  if (!output.json) {
    for (const problem of result.problems) output.note(`${placeOf(problem)}: ${problem.problem}`, 'red');
    const unlisted = result.problemCount - result.problems.length;
    if (unlisted > 0) output.note(`and ${unlisted} more`, 'red');
    for (const limit of result.limits) output.note(`note: ${limit}`, 'dim');
  }
  return result.ok ? EXIT.done : EXIT.failed;
}

async function verified(invocation: Invocation): Promise<PathVerification> {
  const path = invocation.word(0);
  const expectedHead = headOf(invocation.text('head'));
  const progress = new Progress(invocation.surrounding.stderr, 'records');
  const options = {
    ...(expectedHead && { expectedHead }),
    keys: keysOf(invocation.texts('key')),
    threads: Math.min(invocation.number('threads') ?? availableParallelism(), MAX_THREADS),
    onProgress: ({ entries, total }: { readonly entries: number; readonly total: number | undefined }) =>
      progress.report(entries, total),
  };
  try {
    if (path !== '-') return await verifyPath(path, options);
    const stream = plainBytes(invocation.surrounding.stdin as AsyncIterable<Uint8Array>);
    return { kind: 'export', ...(await verifyExport(stream, options)) };
  } finally {
    progress.end();
  }
}

/** Of a file that is no JSON Lines export its manifest is all that can be verified. */
async function withManifest(invocation: Invocation, result: PathVerification): Promise<PathVerification> {
  const manifest = invocation.text('manifest');
  if (manifest === undefined) return result;
  if (result.kind === 'span' || result.kind === 'schedule')
    throw usageError(
      '--manifest is for a file by itself.',
      'The folder of a scheduled export has its own manifest, which is verified with it.',
    );
  const keys = keysOf(invocation.texts('key'));
  const { format, problems, limits } = await verifyManifest(invocation.word(0), manifest, keys);
  const whole: PathVerification = format === 'jsonl' ? result : { ...result, problems: [], problemCount: 0 };
  const problemCount = whole.problemCount + problems.length;
  return {
    ...whole,
    ok: problemCount === 0,
    problems: [...whole.problems, ...problems],
    problemCount,
    limits: [...whole.limits, ...limits],
  };
}

function placeOf({ line, file, index }: ExportProblem): string {
  const record = index === undefined ? '' : ` (record ${index})`;
  const place = file === undefined ? `line ${line}` : line > 0 ? `${file} line ${line}` : file;
  return `${place}${record}`;
}

function headOf(text: string | undefined): ExpectedHead | undefined {
  if (text === undefined) return undefined;
  const [, size, rootHash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (size === undefined || rootHash === undefined) {
    throw usageError(
      '--head is a size and a root hash in hex, such as 1042:9f86….',
      '`leasegate audit head` prints it.',
    );
  }
  return { size: Number(size), rootHash };
}

function keysOf(lines: readonly string[] = []): readonly string[] {
  if (lines.some((line) => keyOfLine(line) === undefined)) {
    throw usageError(
      '--key is a name, an id and a key, such as leasegate/…+1a2b3c4d+AU….',
      '`leasegate audit keys` prints it; have it from somewhere else than the export.',
    );
  }
  return lines;
}

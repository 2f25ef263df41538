import { createHash, type Hash } from 'node:crypto';
import { checkpointIn, type Checkpoint } from '../../tlog/checkpoint.js';
import { CompactRange } from '../../tlog/compact-range.js';
import type { NoteKey } from '../../tlog/note.js';
import { tlogProofOf } from '../../tlog/tlog-proof.js';
import { plainBytes } from '../plain-file.js';
import type { Header } from './export-lines.js';
import { scanExport, type ScannedExport } from './export-scan.js';
import type { ExportVerification, VerifyOptions } from './export-verification.js';
import { answerOf, checkpointFrom, NOTHING } from './folder-check.js';
import { LIMITS } from './limits.js';
import type { LogFolder } from './log-folder.js';
import { eventProblem, formLimit, UNPROVED_MANIFEST } from './manifest-event.js';
import { NO_PART, type PartVerification } from './part-verification.js';
import { Problems } from './problems.js';
import { ProofCheck } from './proof-check.js';
import type { Scanners } from './scanners.js';
import { spanManifestOf, type SpanManifest } from './span-manifest.js';

const MANIFEST = 'manifest.json';

/** A span, and the schedule that it is of. */
export interface SpanVerification extends PartVerification {
  readonly schedule: string | undefined;
}

/**
 * Verifies the folder of one span of a scheduled export: the file by its own hashes where it has any, that it is byte for
 * byte the one of `manifest.json`, that the event of the log says the same as the manifest and is proved to be in the log,
 * and that `checkpoint` is of this log and covers the span.
 */
export async function checkSpan(
  folder: LogFolder,
  keys: readonly NoteKey[],
  options: VerifyOptions,
  scanners: Scanners,
): Promise<SpanVerification> {
  const problems = new Problems(options.maxProblems);
  const manifest = spanManifestOf(await folder.text(MANIFEST));
  if (manifest === undefined) {
    problems.foundIn(MANIFEST, 'it is not the manifest of a scheduled export that this version can read');
    return { ...NOTHING, ...NO_PART, schedule: undefined, ...answerOf(problems, [LIMITS.unsigned]) };
  }
  const { from_index: from, to_index: to, origin, filtered, event, format } = manifest;
  const limits = new Set<string>();
  for (const name of manifest.differs)
    problems.foundIn(MANIFEST, `it says another ${name} than the event of the log`);
  const wrong = eventProblem(event, new ProofCheck(keys), origin);
  if (wrong !== undefined) problems.foundIn(MANIFEST, wrong);
  if (event.proof === null) limits.add(UNPROVED_MANIFEST);
  const head = options.expectedHead;
  const passes =
    format === 'jsonl' && !filtered && head !== undefined && head.size >= from && head.size <= to;
  const { expectedHead: _, ...plain } = options;
  const file = await checkFile(folder, manifest, passes ? options : plain, scanners, problems);
  const { header, found } = file ?? {};
  if (header !== undefined) checkHeader(header, manifest, problems);
  const checkpoint = await checkpointOf(folder, manifest, keys, problems);
  if (checkpoint !== undefined && checkpoint.size < to) limits.add(LIMITS.unreached);
  else if (checkpoint !== undefined && !isCompared(checkpoint, manifest, header, found, problems))
    limits.add(LIMITS.asideCheckpoint);
  if (format !== 'jsonl') limits.add(formLimit(format));
  for (const limit of found?.limits ?? (keys.length > 0 ? [] : [LIMITS.unsigned])) limits.add(limit);
  const whole = header !== undefined && !filtered;
  return {
    ...NOTHING,
    ...found,
    count: found?.count ?? manifest.count,
    firstIndex: found?.firstIndex ?? from,
    lastIndex: found?.lastIndex ?? to - 1,
    origin,
    filtered,
    ...answerOf(problems, [...limits]),
    checkpointSize: problems.count === 0 ? (found?.checkpointSize ?? null) : null,
    schedule: manifest.schedule,
    span: { from, to },
    rootBefore: whole ? rootBefore(header) : undefined,
    rootAfter: whole ? (found?.rootHash ?? undefined) : undefined,
    compared: passes && file !== undefined,
  };
}

/** The file beside the manifest; of JSON Lines each entry. Undefined where it is not there, or in another form. */
async function checkFile(
  folder: LogFolder,
  { file, format, bytes, sha256 }: SpanManifest,
  options: VerifyOptions,
  scanners: Scanners,
  problems: Problems,
): Promise<ScannedExport | undefined> {
  if (!(await folder.names()).includes(file)) {
    problems.foundIn(file, 'the file of the export is missing');
    return undefined;
  }
  let seen = new SeenBytes();
  let scanned: ScannedExport | undefined;
  if (format === 'jsonl') {
    try {
      scanned = await scanExport(plainBytes(seen.of(folder.stream(file))), options, scanners);
    } catch (error) {
      if (error instanceof Error && 'syscall' in error) throw error;
      // What a decompressor says is about the file and not about us.
      const why = error instanceof Error ? error.message : 'no reason given';
      problems.foundIn(file, `it cannot be read: ${why}`);
    }
  }
  if (scanned === undefined) {
    seen = new SeenBytes();
    for await (const _ of seen.of(folder.stream(file)));
  }
  if (scanned !== undefined) {
    const listed = scanned.found.problems.map((problem) => ({ ...problem, file }));
    problems.take(listed, scanned.found.problemCount);
  }
  if (seen.length !== bytes)
    problems.foundIn(file, `the export had ${bytes} bytes, and the file has ${seen.length}`);
  if (seen.hash.digest('hex') !== sha256)
    problems.foundIn(file, 'the file is not the export of this manifest: its SHA-256 is another one');
  return scanned;
}

/** Counts and hashes bytes as they pass. */
class SeenBytes {
  readonly hash: Hash = createHash('sha256');
  length = 0;

  async *of(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of pieces) {
      this.hash.update(piece);
      this.length += piece.length;
      yield piece;
    }
  }
}

function checkHeader(header: Header, manifest: SpanManifest, problems: Problems): void {
  const same =
    header.origin === manifest.origin &&
    header.size === manifest.to_index &&
    header.filtered === manifest.filtered &&
    header.from_index === manifest.from_index;
  if (!same)
    problems.foundIn(
      manifest.file,
      'the file begins as the export of another log or span than the manifest names',
    );
}

/** The file `checkpoint`; undefined when there is none, as while the log is not signed. */
async function checkpointOf(
  folder: LogFolder,
  { origin, event }: SpanManifest,
  keys: readonly NoteKey[],
  problems: Problems,
): Promise<Checkpoint | undefined> {
  const note = await folder.text('checkpoint');
  if (note === undefined) {
    if (keys.length > 0 || event.proof !== null) problems.foundIn('checkpoint', 'the checkpoint is missing');
    return undefined;
  }
  const checkpoint = checkpointFrom(note, keys, problems);
  if (checkpoint !== undefined && checkpoint.origin !== origin)
    problems.foundIn('checkpoint', 'the checkpoint is that of another log');
  return checkpoint;
}

/** Whether something here knows the root at the size of the checkpoint; says so where it is another one. */
function isCompared(
  { size, root }: Checkpoint,
  { event, to_index: to }: SpanManifest,
  header: Header | undefined,
  found: ExportVerification | undefined,
  problems: Problems,
): boolean {
  const known: string[] = [];
  const computed = found?.rootHash ?? undefined;
  if (size === to && computed !== undefined) known.push(computed);
  const proof = event.proof === null ? undefined : tlogProofOf(event.proof);
  for (const other of [checkpointIn(header?.checkpoint ?? undefined), proof?.checkpoint])
    if (other?.size === size) known.push(other.root.toString('hex'));
  if (known.some((other) => other !== root.toString('hex')))
    problems.foundIn('checkpoint', `the entries are not those of the checkpoint at size ${size}`);
  return known.length > 0;
}

function rootBefore({ from_index: from, left }: Header): string | undefined {
  try {
    return CompactRange.of(
      0,
      from,
      left.map((hash) => Buffer.from(hash, 'hex')),
    )
      .root()
      .toString('hex');
  } catch {
    return undefined;
  }
}

import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { keyOfLine, type NoteKey } from '../tlog/note.js';
import { plainBytes } from './plain-file.js';
import { checkArchive } from './verify/archive-check.js';
import { answerOf, checkFolder, NOTHING } from './verify/folder-check.js';
import type { ExportVerification, VerifyOptions } from './verify/export-verification.js';
import { DirectoryFolder, FolderDamaged, TarFolder } from './verify/log-folder.js';
import { LIMITS } from './verify/limits.js';
import { Problems } from './verify/problems.js';
import { verifyExport } from './verify-export.js';

/** Eight blocks at once: on a busy machine each wait for the disk costs more than the reading. */
const READ_BYTES = 8 * 1024 * 1024;
const PART = /^\d{12}-\d{12}$/;
const TAR_MAGIC_AT = 257;

/** What was verified. */
export type VerifiedKind = 'export' | 'bundle' | 'archive';

/** What {@link verifyPath} found. */
export interface PathVerification extends ExportVerification {
  readonly kind: VerifiedKind;
}

/**
 * Verifies what lies at a path, offline: a JSON Lines export, a bundle of the log (a tar file, or unpacked, or the folder
 * that the broker writes), or archives of retention (the folder of a part, or of all of them). Files may be compressed by
 * gzip or zstd. Rejects where the path cannot be read; whatever is wrong with what was read is in the answer.
 */
export async function verifyPath(path: string, options: VerifyOptions = {}): Promise<PathVerification> {
  const keys = (options.keys ?? []).map(keyOfLine).filter((key): key is NoteKey => key !== undefined);
  if (keys.length !== (options.keys ?? []).length) throw new RangeError('a key of a log is name+id+base64');
  if ((await stat(path)).isDirectory()) return verifyDirectory(path, keys, options);
  if (await isTar(path)) return verifyTar(path, keys, options);
  const stream = plainBytes(createReadStream(path, { highWaterMark: READ_BYTES }));
  return { kind: 'export', ...(await verifyExport(stream, options)) };
}

async function verifyDirectory(
  path: string,
  keys: readonly NoteKey[],
  options: VerifyOptions,
): Promise<PathVerification> {
  const names = await readdir(path);
  if (names.includes('manifest.json') && !names.includes('checkpoint'))
    return { kind: 'archive', ...(await checkArchive(path, keys, options)) };
  const parts = names.filter((name) => PART.test(name)).sort();
  if (parts.length === 0)
    return { kind: 'bundle', ...(await checkFolder(new DirectoryFolder(path), keys, options)) };
  let all: ExportVerification | undefined;
  for (const part of parts) all = joined(all, await checkArchive(join(path, part), keys, options), part);
  return { kind: 'archive', ...(all ?? { ...NOTHING, ...answerOf(new Problems(), []) }) };
}

/** The archives of two parts as one answer. */
function joined(
  before: ExportVerification | undefined,
  part: ExportVerification,
  folder: string,
): ExportVerification {
  const problems = part.problems.map((problem) => ({ ...problem, file: join(folder, problem.file ?? '') }));
  if (before === undefined) return { ...part, problems };
  const origin = before.origin === part.origin ? part.origin : null;
  const other =
    origin === null ? [{ line: 0, file: folder, problem: 'it is the archive of another log' }] : [];
  return {
    ...part,
    ok: before.ok && part.ok && origin !== null,
    count: before.count + part.count,
    firstIndex: before.firstIndex ?? part.firstIndex,
    origin,
    checkpointSize: before.checkpointSize === null ? null : part.checkpointSize,
    problems: [...before.problems, ...problems, ...other],
    problemCount: before.problemCount + part.problemCount + other.length,
    limits: [...new Set([...before.limits, ...part.limits])],
  };
}

/** A compressed one is unpacked to a file of its own first: its files are wanted in another order than they stand in. */
async function verifyTar(
  path: string,
  keys: readonly NoteKey[],
  options: VerifyOptions,
): Promise<PathVerification> {
  const aside = await mkdtemp(join(tmpdir(), 'leasegate-verify-'));
  let folder: TarFolder | undefined;
  try {
    const compressed = !isTarHead(await headOf(createReadStream(path)));
    const plain = compressed ? join(aside, 'log.tar') : path;
    if (compressed)
      await pipeline(plainBytes(createReadStream(path)), createWriteStream(plain, { mode: 0o600 }));
    folder = await TarFolder.open(plain);
    return { kind: 'bundle', ...(await checkFolder(folder, keys, options)) };
  } catch (error) {
    if (!(error instanceof FolderDamaged)) throw error;
    const problems = new Problems();
    problems.found(error.message, undefined, 0);
    return { kind: 'bundle', ...NOTHING, ...answerOf(problems, [LIMITS.unsigned]) };
  } finally {
    await folder?.close();
    await rm(aside, { recursive: true, force: true });
  }
}

async function isTar(path: string): Promise<boolean> {
  // Opened apart, so that a file that may not be read is the error that it is.
  await (await open(path, 'r')).close();
  const source = createReadStream(path);
  try {
    return isTarHead(await headOf(plainBytes(source)));
  } catch {
    // Damaged from its first bytes on; the verification of an export says how.
    return false;
  } finally {
    source.destroy();
  }
}

/** The first bytes. */
async function headOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    head = Buffer.concat([head, piece]);
    if (head.length >= 512) break;
  }
  return head;
}

function isTarHead(head: Buffer): boolean {
  return head.toString('latin1', TAR_MAGIC_AT, TAR_MAGIC_AT + 5) === 'ustar';
}

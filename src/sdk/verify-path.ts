import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { NoteKey } from '../tlog/note.js';
import { plainBytes } from './plain-file.js';
import { checkArchive } from './verify/archive-check.js';
import { scanExport } from './verify/export-scan.js';
import type { ExportVerification, VerifyOptions } from './verify/export-verification.js';
import { answerOf, checkFolder, NOTHING } from './verify/folder-check.js';
import { keysOf } from './verify/log-keys.js';
import { DirectoryFolder, FolderDamaged, TarFolder, type LogFolder } from './verify/log-folder.js';
import { LIMITS } from './verify/limits.js';
import { ARCHIVES, checkParts, SPANS, withHead } from './verify/parts-check.js';
import { Problems } from './verify/problems.js';
import { Scanners } from './verify/scanners.js';
import { checkSchedule } from './verify/schedule-check.js';
import { checkSpan } from './verify/span-check.js';
import { isSpanManifest } from './verify/span-manifest.js';
import { threadsOf } from './verify-export.js';

/** Eight blocks at once: on a busy machine each wait for the disk costs more than the reading. */
const READ_BYTES = 8 * 1024 * 1024;
const PART = /^\d{12,16}-\d{12,16}$/;
const TAR_MAGIC_AT = 257;

/** What was verified; `span` is one span of a scheduled export, `schedule` the folder of all of them. */
export type VerifiedKind = 'export' | 'bundle' | 'archive' | 'span' | 'schedule';

/** What {@link verifyPath} found. */
export interface PathVerification extends ExportVerification {
  readonly kind: VerifiedKind;
}

/** With which keys, options and threads something is verified. */
interface Means {
  readonly keys: readonly NoteKey[];
  readonly options: VerifyOptions;
  readonly scanners: Scanners;
}

/**
 * Verifies what lies at a path, offline: a JSON Lines export, a bundle of the log, archives of retention (the folder of a
 * part, or of all of them), or what a schedule exported (the folder of a span, or of all of them). Folders may be packed as
 * tar, and files compressed by gzip or zstd. Rejects where the path cannot be read; whatever is wrong with what was read is in
 * the answer.
 */
export async function verifyPath(path: string, options: VerifyOptions = {}): Promise<PathVerification> {
  const keys = keysOf(options);
  const scanners = new Scanners(keys, threadsOf(options));
  const means = { keys, options, scanners };
  try {
    if ((await stat(path)).isDirectory()) return await verifyFolder(new DirectoryFolder(path), means);
    if (await isTar(path)) return await verifyTar(path, means);
    const stream = plainBytes(createReadStream(path, { highWaterMark: READ_BYTES }));
    return { kind: 'export', ...(await scanExport(stream, options, scanners)).found };
  } finally {
    await scanners.close();
  }
}

async function verifyFolder(folder: LogFolder, means: Means): Promise<PathVerification> {
  const { keys, options, scanners } = means;
  const names = await folder.names();
  const manifest = names.includes('manifest.json') ? await folder.text('manifest.json') : undefined;
  if (manifest !== undefined && isSpanManifest(manifest)) {
    const { schedule: _, ...span } = await checkSpan(folder, keys, options, scanners);
    return { kind: 'span', ...withHead(span, options) };
  }
  if (manifest !== undefined && !names.includes('checkpoint'))
    return { kind: 'archive', ...withHead(await checkArchive(folder, keys, options, scanners), options) };
  const parts = names.filter((name) => PART.test(name));
  if (parts.length > 0) return verifyParts(folder, parts, means);
  const [only, ...others] = names;
  // As `tar -cf` packs a folder by its name.
  if (only !== undefined && others.length === 0 && folder instanceof TarFolder && !only.includes('.'))
    return verifyFolder(folder.sub(only), means);
  return { kind: 'bundle', ...(await checkFolder(folder, keys, options, scanners)) };
}

/** Archives of retention, or spans of a scheduled export: one manifest that can be read tells. */
async function verifyParts(
  folder: LogFolder,
  parts: readonly string[],
  { keys, options, scanners }: Means,
): Promise<PathVerification> {
  let spans = false;
  for (const part of parts) {
    spans ||= isSpanManifest(await folder.sub(part).text('manifest.json'));
    if (spans) break;
  }
  if (spans) {
    const found = await checkParts(parts, checkSchedule(folder, keys, scanners), SPANS, options);
    return { kind: 'schedule', ...withHead(found, options) };
  }
  const found = await checkParts(
    parts,
    (part, each) => checkArchive(folder.sub(part), keys, each, scanners),
    ARCHIVES,
    options,
  );
  return { kind: 'archive', ...withHead(found, options) };
}

/** A compressed one is unpacked to a file of its own first: its files are wanted in another order than they stand in. */
async function verifyTar(path: string, means: Means): Promise<PathVerification> {
  const aside = await mkdtemp(join(tmpdir(), 'leasegate-verify-'));
  let folder: TarFolder | undefined;
  try {
    const compressed = !isTarHead(await headOf(createReadStream(path)));
    const plain = compressed ? join(aside, 'log.tar') : path;
    if (compressed)
      await pipeline(plainBytes(createReadStream(path)), createWriteStream(plain, { mode: 0o600 }));
    folder = await TarFolder.open(plain);
    return await verifyFolder(folder, means);
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

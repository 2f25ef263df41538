import { createHash } from 'node:crypto';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { LogCursor } from './log-cursors.js';

/** Read at once; a longer line is no line of a log. */
export const CHUNK_BYTES = 1_048_576;
const MOST_FILES = 200;
const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4)$/;

/** Some lines of a file, and where the cursor is to be after them. */
export interface LogChunk {
  readonly lines: readonly string[];
  readonly next: LogCursor;
  /** Whether the file went on where the cursor was; false where lines between are lost. */
  readonly gap: boolean;
}

interface Opened {
  readonly handle: FileHandle;
  readonly fileNumber: string;
  readonly size: number;
  /** When it was written to last; renaming leaves that as it is. */
  readonly writtenAt: bigint;
  /** Undefined while its first line is not whole. */
  readonly firstLine: Buffer | undefined;
}

/**
 * Reads on in a log that is rotated: by renaming (what is left of the renamed file comes first) or by truncating. Which
 * file it is says the line that it begins with, since file numbers are given again. Answers undefined where there is
 * nothing to read. Fails where the file is there and cannot be read.
 */
export async function readOn(path: string, cursor: LogCursor | undefined): Promise<LogChunk | undefined> {
  // Before the old file is read to its end: once the new one has a line, nobody writes to the old one any more.
  const current = await openLog(path);
  try {
    if (cursor === undefined)
      return current?.firstLine && (await chunkFrom(current, current.firstLine, 0, false));
    if (current?.firstLine?.equals(cursor.firstLine) === true) {
      const shorter = current.size < cursor.readBytes;
      return await chunkFrom(current, cursor.firstLine, shorter ? current.size : cursor.readBytes, shorter);
    }
    const former = await findFormer(path, cursor);
    try {
      const rest = former && (await chunkFrom(former, cursor.firstLine, cursor.readBytes, false));
      return rest ?? (await goOver(path, former, current, cursor));
    } finally {
      await former?.handle.close();
    }
  } finally {
    await current?.handle.close();
  }
}

/** From a file that was read to its end, or is gone, to the one that was begun after it. */
async function goOver(
  path: string,
  former: Opened | undefined,
  current: Opened | undefined,
  cursor: LogCursor,
): Promise<LogChunk | undefined> {
  const next = former && (await findNext(path, former));
  try {
    const file = next ?? current;
    if (file?.firstLine === undefined) return undefined;
    // What was written to the former until the next was begun, and since it was read.
    const rest = next && former && (await chunkFrom(former, cursor.firstLine, cursor.readBytes, false));
    if (rest !== undefined) return rest;
    const begun = await chunkFrom(file, file.firstLine, 0, former === undefined);
    const last = former && (await lastLine(former, cursor));
    return begun && { ...begun, lines: last === undefined ? begun.lines : [last, ...begun.lines] };
  } finally {
    await next?.handle.close();
  }
}

async function chunkFrom(
  { handle, fileNumber }: Opened,
  firstLine: Buffer,
  at: number,
  gap: boolean,
): Promise<LogChunk | undefined> {
  const bytes = await readAt(handle, at, CHUNK_BYTES);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  // A chunk without an end of line is passed over: whatever it is, it must not hold up what comes after.
  const used = whole === 0 && bytes.length === CHUNK_BYTES ? bytes.length : whole;
  if (used === 0 && !gap) return undefined;
  return {
    lines: linesOf(bytes.subarray(0, whole)),
    next: { fileNumber, firstLine, readBytes: at + used },
    gap,
  };
}

/** What the file ends with where its last line has no end. */
async function lastLine({ handle }: Opened, { readBytes }: LogCursor): Promise<string | undefined> {
  return linesOf(await readAt(handle, readBytes, CHUNK_BYTES))[0];
}

function linesOf(bytes: Buffer): string[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    .filter((line) => line !== '');
}

async function findFormer(path: string, cursor: LogCursor): Promise<Opened | undefined> {
  for await (const opened of rotated(path)) {
    if (opened.firstLine?.equals(cursor.firstLine) === true && opened.size >= cursor.readBytes) return opened;
    await opened.handle.close();
  }
  return undefined;
}

/** The file that was begun after the former, where the log was rotated more than once since it was read. */
async function findNext(path: string, former: Opened): Promise<Opened | undefined> {
  let next: Opened | undefined;
  for await (const opened of rotated(path)) {
    const after = opened.firstLine !== undefined && opened.writtenAt > former.writtenAt;
    const sooner = next === undefined || opened.writtenAt < next.writtenAt;
    const other = opened.firstLine?.equals(former.firstLine ?? opened.firstLine) === false;
    const left = after && sooner && other ? next : opened;
    if (left !== opened) next = opened;
    await left?.handle.close();
  }
  return next;
}

/** The files that the log was renamed to, as far as they can be read. Whoever takes one closes it. */
async function* rotated(path: string): AsyncGenerator<Opened, void, undefined> {
  const name = basename(path);
  const names = (await readdir(dirname(path)).catch(() => []))
    .filter((other) => other !== name && other.startsWith(name) && !COMPRESSED.test(other))
    .slice(0, MOST_FILES);
  for (const other of names) {
    // Folders and what may not be read are no former log.
    const opened = await openLog(join(dirname(path), other)).catch(() => undefined);
    if (opened !== undefined) yield opened;
  }
}

async function openLog(path: string): Promise<Opened | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { ino, size, mtimeNs } = await handle.stat({ bigint: true });
    const head = await readAt(handle, 0, CHUNK_BYTES / 16);
    const end = head.indexOf(0x0a);
    const first = end >= 0 ? head.subarray(0, end) : head.length === CHUNK_BYTES / 16 ? head : undefined;
    return {
      handle,
      fileNumber: String(ino),
      size: Number(size),
      writtenAt: mtimeNs,
      firstLine: first && createHash('sha256').update(first).digest(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readAt(handle: FileHandle, at: number, most: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(most);
  let filled = 0;
  while (filled < most) {
    const { bytesRead } = await handle.read(buffer, filled, most - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { StartedExport } from '../../sdk/admin-audit.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import { joinedExport } from './joined-export.js';
import { readPartial } from './partial-export.js';

/** Starts an export with other places in the log than the command names. */
export type StartExport = (changes: Readonly<Record<string, number | undefined>>) => Promise<StartedExport>;

/**
 * Writes an export by way of `FILE.part`, which stays when the download is cut, and goes on from what such a file has. The
 * file itself appears whole. Answers the id of the export when there was but one; with `oneExport` no other is taken, and
 * `manifest_unfit` is thrown before anything is asked of the broker.
 */
export async function resumedExport(
  file: string,
  start: StartExport,
  oneExport: boolean,
): Promise<string | undefined> {
  if (await exists(file))
    throw new CliError('file_unusable', `${file} exists already.`, { exitCode: EXIT.usage });
  const part = `${file}.part`;
  const partial = (await exists(part)) ? await readPartial(part) : undefined;
  if (partial !== undefined && oneExport) throw unfit(file, part);
  if (partial?.whole === true) {
    await finish(part, file);
    return undefined;
  }
  if (partial === undefined) {
    const { body, exportId } = await start({});
    await written(part, piecesOf(body));
    // A stream that ends early without an error has no last line.
    if ((await readPartial(part))?.whole === false) throw cut(part);
    await finish(part, file);
    return exportId;
  }
  const { last, header } = partial;
  const places = header.filtered
    ? { from_index: last, after: undefined }
    : { from_index: undefined, after: last };
  const { body } = await start(places);
  const longer = `${part}.new`;
  try {
    await written(longer, joinedExport(part, partial, piecesOf(body)), part);
  } catch (error) {
    // Only what has more than there was takes its place.
    const now = await readPartial(longer).catch(() => undefined);
    if (now !== undefined && now.count > partial.count) await rename(longer, part);
    else await rm(longer, { force: true });
    throw error;
  }
  await finish(longer, file);
  await rm(part, { force: true });
  return undefined;
}

/** Throws `export_cut` when the network does it; `part` is what to name then. */
async function written(path: string, pieces: AsyncIterable<Uint8Array>, part = path): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), createWriteStream(path, { mode: 0o600 }));
  } catch (error) {
    if (error instanceof CliError && error.code !== 'export_cut') throw error;
    if (error instanceof Error && 'code' in error && 'syscall' in error && error.syscall !== 'read')
      throw error;
    throw cut(part);
  }
}

async function finish(part: string, file: string): Promise<void> {
  const target = await open(part, 'r');
  await target.sync().finally(() => target.close());
  await rename(part, file);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

// The cast is between the two typings of one class: the global one and that of `node:stream/web`.
function piecesOf(body: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  return Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
}

function cut(part: string): CliError {
  return new CliError('export_cut', `The broker or the network cut it off; ${part} has what came.`, {
    exitCode: EXIT.dependency,
    next: 'Run the same command once more; it goes on from there.',
  });
}

function unfit(file: string, part: string): CliError {
  return new CliError(
    'manifest_unfit',
    `${part} is of an earlier export. The log tells of each export what it was, and of a file that is joined of two nothing.`,
    {
      exitCode: EXIT.usage,
      next: `Go on without --manifest: ${file} has its own hashes, and \`audit verify --key\` proves its entries. Or remove ${part}: the export is then made anew, with a manifest.`,
    },
  );
}

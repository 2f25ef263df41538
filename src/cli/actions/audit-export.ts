import { open, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AuditAdmin, StartedExport } from '../../sdk/admin-audit.js';
import { hasErrorCode } from '../../sdk/leasegate-error.js';
import { machine } from '../../sdk/surroundings.js';
import { filtersOf } from '../audit-filters.js';
import { CliError, usageError } from '../cli-error.js';
import { adminClient } from '../clients.js';
import { EXIT } from '../exit-code.js';
import { resumedExport } from '../export/resumed-export.js';
import { WatchedExport } from '../export/watched-export.js';
import type { Invocation } from '../invocation.js';

const FORMATS = ['jsonl', 'csv', 'parquet', 'ocsf', 'cef'] as const;
const MANIFEST_EVERY_MS = 500;
const MANIFEST_TRIES = 40;

/** `audit export` */
export async function exportRecords(invocation: Invocation): Promise<void> {
  const format = FORMATS.find((known) => known === invocation.text('format')) ?? 'jsonl';
  const compression = (['gzip', 'zstd'] as const).find((known) => known === invocation.text('compress'));
  const file = invocation.text('output');
  const [resume, manifest] = [invocation.flag('resume'), invocation.flag('manifest')];
  if (resume && (format !== 'jsonl' || compression !== undefined))
    throw usageError(
      '--resume is for --format jsonl without --compress: no other can be joined and checked.',
    );
  if (file === undefined && (resume || manifest)) throw usageError('--resume and --manifest need --output.');
  const { audit } = adminClient(invocation);
  const compressed = compression !== undefined;
  const form = { format, compressed, filtered: isFiltered(invocation) };
  const watched = new WatchedExport(invocation.surrounding.stderr, form);
  const start = async (changes: Readonly<Record<string, number | undefined>>): Promise<StartedExport> => {
    const started = await audit.exported(format, { ...filtersOf(invocation), compression, ...changes });
    return { ...started, body: watched.of(started) };
  };
  try {
    if (file === undefined) {
      await pipeline(readable((await start({})).body), invocation.output.stdout, { end: false });
      return;
    }
    const finished = resume ? await resumedExport(file, start, manifest) : await newExport(file, start);
    watched.end();
    const next = format === 'jsonl' ? `; verify it with: leasegate audit verify ${file}` : '';
    invocation.output.note(`written to ${file}${next}`);
    if (!manifest || finished === undefined) return;
    await writeManifest(`${file}.manifest.json`, audit, finished);
    invocation.output.note(`its manifest is ${file}.manifest.json`);
  } finally {
    watched.end();
  }
}

/** `audit bundle` */
export async function bundle(invocation: Invocation): Promise<void> {
  const { audit } = adminClient(invocation);
  const file = invocation.text('output') ?? '';
  const range = { from_index: invocation.text('fromIndex'), to_index: invocation.text('toIndex') };
  const form = { format: 'bundle', compressed: false, filtered: false } as const;
  const watched = new WatchedExport(invocation.surrounding.stderr, form);
  const start = async (): Promise<ReadableStream<Uint8Array>> =>
    watched.of({ body: await audit.bundle(range), fromIndex: 0, toIndex: 0 });
  await writeFileOf(file, start).finally(() => watched.end());
  invocation.output.note(`written to ${file}; verify it with: leasegate audit verify ${file}`);
}

/** Answers the id of the export. */
async function newExport(
  file: string,
  start: (changes: Readonly<Record<string, number>>) => Promise<StartedExport>,
): Promise<string> {
  let id = '';
  await writeFileOf(file, async () => {
    const { body, exportId } = await start({});
    id = exportId;
    return body;
  });
  return id;
}

function isFiltered(invocation: Invocation): boolean {
  const { from_index: _from, to_index: _to, ...named } = filtersOf(invocation);
  return Object.values(named).some((value) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined,
  );
}

/** Waits until the log has the end of the export, and a checkpoint covers it. */
async function writeManifest(file: string, audit: AuditAdmin, exportId: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const manifest = await audit.manifest(exportId).catch((error: unknown) => {
      if (hasErrorCode(error, 'not_found')) return undefined;
      throw error;
    });
    if (manifest !== undefined && (manifest.proof !== null || tries >= MANIFEST_TRIES)) {
      await writeFile(file, `${JSON.stringify(manifest)}\n`, { flag: 'wx', mode: 0o600 });
      return;
    }
    if (tries >= MANIFEST_TRIES)
      throw new CliError('manifest_missing', 'The log has no end of the export yet.', {
        next: `GET /v1/audit/exports/${exportId}/manifest has it later.`,
      });
    await machine.wait(MANIFEST_EVERY_MS);
  }
}

// The cast is between the two typings of one class: the global one and that of `node:stream/web`.
function readable(body: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
}

async function writeFileOf(file: string, body: () => Promise<ReadableStream<Uint8Array>>): Promise<void> {
  // Before the broker is asked: an export that has nowhere to go should not be recorded, nor its stream left open.
  const target = await open(file, 'wx', 0o600);
  let started = false;
  try {
    const source = readable(await body());
    started = true;
    await pipeline(source, target.createWriteStream());
  } catch (error) {
    await target.close().catch(() => undefined);
    // Half an export must not lie around looking like one.
    await rm(file, { force: true });
    throw started && error instanceof TypeError ? cutOff(error) : error;
  }
}

function cutOff(cause: Error): CliError {
  const cut = new CliError('export_cut', 'The broker or the network cut it off; what had come was removed.', {
    exitCode: EXIT.dependency,
    next: 'Try again; `audit export --resume` keeps what came.',
  });
  cut.cause = cause;
  return cut;
}

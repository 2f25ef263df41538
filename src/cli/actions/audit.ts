import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AuditRecordView } from '../../sdk/api-types.js';
import { machine } from '../../sdk/surroundings.js';
import { keyOfLine } from '../../tlog/note.js';
import { plainBytes } from '../../sdk/plain-file.js';
import { verifyExport, type ExpectedHead } from '../../sdk/verify-export.js';
import { filtersOf } from '../audit-filters.js';
import { usageError } from '../cli-error.js';
import { adminClient } from '../clients.js';
import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';
import type { Column } from '../output.js';

const TAIL_EVERY_MS = 1_000;
const TAIL_PAGE = 200;
const READ_BYTES = 1024 * 1024;
/** Beyond it the one that reads is what the others wait for. */
const MAX_THREADS = 16;

const COLUMNS: readonly Column<AuditRecordView>[] = [
  ['INDEX', (record) => record.index],
  ['TIME', (record) => record.event['time']],
  ['KIND', (record) => record.event['kind']],
  ['OUTCOME', (record) => record.event['code'] ?? record.event['outcome']],
  ['RUN', (record) => memberOf(record.event['run'], 'run_id')],
  ['STEP', (record) => record.event['step_id']],
  ['CREDENTIAL', (record) => record.event['credential']],
  ['WHO', (record) => memberOf(record.event['actor'], 'subject') ?? memberOf(record.event['actor'], 'name')],
  ['REFERENCE', (record) => record.event['request_id']],
];

/** `audit list` */
export async function list(invocation: Invocation): Promise<void> {
  await printList(invocation, adminClient(invocation).audit, filtersOf(invocation), COLUMNS);
}

/** `audit tail`: from the end of the log, or from `--from-index`, until somebody stops it. */
export async function tail(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const { audit } = adminClient(invocation);
  const filters = filtersOf(invocation);
  let next = Number(filters['from_index'] ?? (await audit.head()).size);
  for (;;) {
    // The head first: what is sequenced after it comes with the next round, so nothing is skipped by a filter.
    const { size } = await audit.head();
    let cursor: string | undefined;
    do {
      const page = await audit.list({
        ...filters,
        from_index: next,
        to_index: size,
        order: 'oldest',
        limit: TAIL_PAGE,
        cursor,
      });
      for (const record of page.items) {
        if (output.json) output.jsonLine(record);
        else output.line(output.row(record, COLUMNS));
      }
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    next = Math.max(next, size);
    await machine.wait(TAIL_EVERY_MS);
  }
}

const FORMATS = ['jsonl', 'csv', 'parquet', 'ocsf', 'cef'] as const;

/** `audit export` */
export async function exportRecords(invocation: Invocation): Promise<void> {
  const format = FORMATS.find((known) => known === invocation.text('format')) ?? 'jsonl';
  const compression = (['gzip', 'zstd'] as const).find((known) => known === invocation.text('compress'));
  const { audit } = adminClient(invocation);
  const body = (): Promise<ReadableStream<Uint8Array>> =>
    audit.export(format, { ...filtersOf(invocation), compression });
  const file = invocation.text('output');
  if (file === undefined) {
    await pipeline(readable(await body()), invocation.output.stdout, { end: false });
    return;
  }
  await writeFileOf(file, body);
  const next = format === 'jsonl' ? `; verify it with: leasegate audit verify ${file}` : '';
  invocation.output.note(`written to ${file}${next}`);
}

/** `audit bundle` */
export async function bundle(invocation: Invocation): Promise<void> {
  const { audit } = adminClient(invocation);
  const file = invocation.text('output') ?? '';
  const range = { from_index: invocation.text('fromIndex'), to_index: invocation.text('toIndex') };
  await writeFileOf(file, () => audit.bundle(range));
  invocation.output.note(`written to ${file}; its entries are in tile/entries, the keys in keys`);
}

// The cast is between the two typings of one class: the global one and that of `node:stream/web`.
function readable(body: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
}

async function writeFileOf(file: string, body: () => Promise<ReadableStream<Uint8Array>>): Promise<void> {
  // Before the broker is asked: an export that has nowhere to go should not be recorded, nor its stream left open.
  const target = await open(file, 'wx', 0o600);
  try {
    await pipeline(readable(await body()), target.createWriteStream());
  } catch (error) {
    await target.close().catch(() => undefined);
    // Half an export must not lie around looking like one.
    await rm(file, { force: true });
    throw error;
  }
}

/** `audit head` */
export async function head(invocation: Invocation): Promise<void> {
  const end = await adminClient(invocation).audit.head();
  await invocation.output.show(end, () =>
    invocation.output.fields([
      ['origin', end.origin],
      ['head', `${end.size}:${end.root_hash}`],
    ]),
  );
}

/** `audit verify`: offline; exits with 1 when anything in the file is not as it was written. */
export async function verify(invocation: Invocation): Promise<number> {
  const { output } = invocation;
  const file = invocation.word(0);
  const expectedHead = headOf(invocation.text('head'));
  const stream =
    file === '-' ? invocation.surrounding.stdin : createReadStream(file, { highWaterMark: READ_BYTES });
  const result = await verifyExport(plainBytes(stream as AsyncIterable<Uint8Array>), {
    ...(expectedHead && { expectedHead }),
    keys: keysOf(invocation.texts('key')),
    threads: Math.min(invocation.number('threads') ?? availableParallelism(), MAX_THREADS),
  });
  await output.show(
    {
      ok: result.ok,
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
        ['records', result.count],
        ['from', result.firstIndex],
        ['to', result.lastIndex],
        ['origin', result.origin],
        ['root hash', result.rootHash],
        ['signed up to', result.checkpointSize],
      ]),
  );
  if (!output.json) {
    for (const { line, index, problem } of result.problems) {
      output.note(`line ${line}${index === undefined ? '' : ` (record ${index})`}: ${problem}`, 'red');
    }
    const unlisted = result.problemCount - result.problems.length;
    if (unlisted > 0) output.note(`and ${unlisted} more`, 'red');
    for (const limit of result.limits) output.note(`note: ${limit}`, 'dim');
  }
  return result.ok ? EXIT.done : EXIT.failed;
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

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

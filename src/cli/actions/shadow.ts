import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ShadowImportView } from '../../sdk/api-types.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';

/** Cut at the same lines each time, so that a log that has only grown is sent as the same batches and one more. */
const BATCH_CHARS = 8_388_608;

/** `shadow import` */
export async function importLog(invocation: Invocation): Promise<void> {
  const file = invocation.word(0);
  const format = invocation.text('format') ?? '';
  const { shadow } = adminClient(invocation);
  const source = file === '-' ? invocation.surrounding.stdin : createReadStream(file);
  const send = (batch: string): Promise<ShadowImportView> => {
    if (format === 'vault-audit') return shadow.importVaultAudit(batch, invocation.text('device'));
    if (format === 'postgres') return shadow.importPostgresLog(batch, invocation.text('mount'));
    return shadow.importEgress(format, batch);
  };
  const totals = {
    batches: 0,
    repeated: 0,
    lines: 0,
    unreadable: 0,
    managed: 0,
    ours: 0,
    undecided: 0,
    shadow: 0,
    events: 0,
  };
  for await (const batch of batchesOf(source)) {
    const view = await send(batch);
    totals.batches += 1;
    totals.repeated += view.repeated ? 1 : 0;
    for (const key of ['lines', 'unreadable', 'managed', 'ours', 'undecided', 'shadow', 'events'] as const)
      totals[key] += view[key];
  }
  const { output } = invocation;
  await output.show(totals, () => output.fields(Object.entries(totals)));
  if (output.json) return;
  if (totals.lines > 0 && totals.unreadable === totals.lines)
    output.note('none of the lines is of this format', 'yellow');
  if (totals.shadow > 0) output.note('see `leasegate shadow list` and `leasegate alert list`', 'yellow');
}

/** `shadow list` */
export async function list(invocation: Invocation): Promise<void> {
  const filters = { host: invocation.text('host'), workload: invocation.text('workload') };
  await printList(invocation, adminClient(invocation).shadow, filters, [
    ['DAY', (found) => found.day],
    ['HOST', (found) => found.host],
    ['WORKLOAD', (found) => found.workload],
    ['POD', (found) => found.pod],
    ['SOURCE', (found) => found.source],
    ['EVIDENCE', (found) => found.evidence],
    ['ALLOWED', (found) => found.allowed],
    ['COUNT', (found) => found.count],
    ['LAST', (found) => found.last_at],
  ]);
}

/** `egress generate` */
export async function generate(invocation: Invocation): Promise<void> {
  const stream = await adminClient(invocation).egress.policy({
    for: invocation.text('for'),
    namespace: invocation.text('namespace'),
    workers_namespace: invocation.text('workersNamespace'),
  });
  // The cast is between the two typings of one class: the global one and that of `node:stream/web`.
  const policy = await text(Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]));
  await invocation.output.show({ for: invocation.text('for'), policy }, () => policy);
}

async function* batchesOf(source: NodeJS.ReadableStream): AsyncGenerator<string, void, undefined> {
  let lines: string[] = [];
  let chars = 0;
  for await (const line of createInterface({ input: source, crlfDelay: Infinity })) {
    if (chars > 0 && chars + line.length + 1 > BATCH_CHARS) {
      yield lines.join('');
      lines = [];
      chars = 0;
    }
    lines.push(`${line}\n`);
    chars += line.length + 1;
  }
  if (chars > 0) yield lines.join('');
}

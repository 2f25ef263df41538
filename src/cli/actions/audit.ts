import type { AuditRecordView } from '../../sdk/api-types.js';
import { machine } from '../../sdk/surroundings.js';
import { filtersOf } from '../audit-filters.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';
import type { Column } from '../output.js';

const TAIL_EVERY_MS = 1_000;
const TAIL_PAGE = 200;

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

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

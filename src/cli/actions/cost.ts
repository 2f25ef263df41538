import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Filters } from '../../sdk/admin-calls.js';
import type { CostGrouping, CostSum, ReconciledCosts } from '../../sdk/admin-costs.js';
import { adminClient } from '../clients.js';
import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';
import type { Column } from '../output.js';
import { readInput } from '../spec-file.js';

const MICROS = 1_000_000;

const GROUPS: Readonly<Record<CostGrouping, readonly Column<CostSum>[]>> = {
  run: [
    ['RUN', ({ run }) => run?.run_id],
    ['REF', ({ run }) => run?.ref],
  ],
  step: [
    ['RUN', ({ run }) => run?.run_id],
    ['STEP', ({ step_id: step }) => step],
  ],
  grant: [['GRANT', ({ grant }) => grant?.name ?? grant?.id]],
  tool: [['TOOL', ({ tool }) => tool]],
  workload: [
    ['ISSUER', ({ workload }) => workload?.issuer],
    ['WORKLOAD', ({ workload }) => workload?.subject],
  ],
  day: [['DAY', ({ day }) => day]],
};

const SUMS: readonly Column<CostSum>[] = [
  ['CALLS', ({ calls }) => calls],
  ['COST', ({ cost_micros: micros }) => amount(micros)],
  ['UNITS', ({ units }) => unitsText(units)],
];

const RECONCILED: readonly Column<ReconciledCosts>[] = [
  ['DAY', ({ day }) => day],
  ['KEY', ({ key }) => key],
  ['SOURCE', ({ source }) => source],
  ['OURS', ({ ours_micros: micros }) => amount(micros)],
  ['THEIRS', ({ theirs_micros: micros }) => (micros === null ? null : amount(micros))],
  ['DIFFERENCE', ({ difference_micros: micros }) => (micros === null ? null : amount(micros))],
  ['STATE', ({ state }) => state],
];

/** `cost list` */
export async function list(invocation: Invocation): Promise<void> {
  const { costs } = adminClient(invocation);
  const by = invocation.text('by') as CostGrouping;
  const filters = {
    by,
    ...daysOf(invocation),
    run: invocation.text('run') ?? invocation.text('runId'),
    grant: invocation.text('ofGrant') ?? invocation.text('grant'),
    tool: invocation.text('tool'),
    subject: invocation.text('subject'),
  };
  if (invocation.flag('csv')) {
    const body = await costs.csv(filters);
    // The cast is between the two typings of one class: the global one and that of `node:stream/web`.
    const stream = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
    await pipeline(stream, invocation.output.stdout, { end: false });
    return;
  }
  const listed = {
    list: (paged: Filters) => costs.list({ ...paged, by }),
    all: (paged: Filters) => costs.all({ ...paged, by }),
  };
  await printList(invocation, listed, filters, [...GROUPS[by], ...SUMS]);
}

/** `cost import` */
export async function importUsage(invocation: Invocation): Promise<void> {
  const file = invocation.word(0);
  const format = invocation.text('format') ?? (file.endsWith('.csv') ? 'csv' : 'jsonl');
  const text = await readInput(invocation, file);
  const source = invocation.text('source');
  const done = await adminClient(invocation).costs.importUsage(text, format === 'csv' ? 'csv' : 'jsonl', {
    source,
  });
  await invocation.output.show(done, () =>
    invocation.output.fields([
      ['rows', done.rows],
      ['new or corrected', done.changed],
      ['differences', done.differences],
    ]),
  );
  if (done.differences > 0 && !invocation.output.json)
    invocation.output.note('see them with: leasegate cost reconcile', 'red');
}

/** `cost reconcile`: exits with 1 when a sum on the page differs. */
export async function reconcile(invocation: Invocation): Promise<number> {
  const { costs } = adminClient(invocation);
  let differs = false;
  const seen = <T extends ReconciledCosts>(row: T): T => {
    differs ||= row.state === 'difference';
    return row;
  };
  const listed = {
    list: async (paged: Filters) => {
      const page = await costs.reconciliation(paged);
      return { ...page, items: page.items.map(seen) };
    },
    all: async function* (paged: Filters) {
      for await (const row of costs.allReconciled(paged)) yield seen(row);
    },
  };
  await printList(invocation, listed, daysOf(invocation), RECONCILED);
  return differs ? EXIT.failed : EXIT.done;
}

function daysOf(invocation: Invocation): { from: string | undefined; to: string | undefined } {
  return { from: invocation.text('from'), to: invocation.text('to') };
}

/** Whole units of the currency, with as many places as there are. */
function amount(micros: number): string {
  return (micros / MICROS).toFixed(6).replace(/(\.\d\d\d*?)0+$/, '$1');
}

function unitsText(units: Readonly<Record<string, number>>): string {
  return Object.entries(units)
    .map(([name, count]) => `${name}=${count}`)
    .join(' ');
}

import type { AuditHistogramView, HeldView } from '../../sdk/api-types.js';
import { filtersOf } from '../audit-filters.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';
import type { Column } from '../output.js';

type Step = AuditHistogramView['steps'][number];

const HOLDS: readonly Column<HeldView>[] = [
  ['FROM', (hold) => hold.from],
  ['TO', (hold) => hold.to ?? (hold.state === 'forgotten' ? 'never proved' : 'held')],
  ['CREDENTIAL', (hold) => hold.credential],
  ['RUN', (hold) => hold.run_id],
  ['STEP', (hold) => hold.step_id],
  ['WORKLOAD', (hold) => hold.workload.subject],
  ['GRANT', (hold) => `${hold.grant.name ?? hold.grant.id ?? '-'} v${hold.grant.version ?? '?'}`],
  ['APPROVED BY', (hold) => hold.grant.approved_by],
  ['ENDED', (hold) => (hold.state === null ? null : `${hold.state}: ${hold.cause ?? ''}`)],
  ['PROOF', (hold) => hold.proof],
  ['USED', (hold) => hold.uses.map(({ kind, events }) => `${kind} ${events}`).join(', ')],
  ['LEASE', (hold) => hold.lease_id],
];

/** `audit count` */
export async function count(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const found = await adminClient(invocation).audit.count({
    ...filtersOf(invocation),
    at_most: invocation.number('atMost'),
  });
  await output.show(found, () => `${found.count}${found.exact ? '' : ' or more'}`);
}

/** `audit histogram` */
export async function histogram(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const found = await adminClient(invocation).audit.histogram({
    ...filtersOf(invocation),
    interval: invocation.text('interval'),
    by: invocation.text('by'),
  });
  const most = Math.max(1, ...found.steps.map((step) => step.count));
  const what: Column<Step>[] = [['WHAT', (step) => step.value]];
  const bars: Column<Step>[] = [['', (step) => '█'.repeat(Math.ceil((40 * step.count) / most))]];
  await output.show(found, () =>
    output.table(found.steps, [
      ['FROM', (step) => step.at],
      ...(invocation.text('by') === undefined ? [] : what),
      ['COUNT', (step) => step.count],
      ...(output.terminal ? bars : []),
    ]),
  );
}

/** `audit who-held` */
export async function whoHeld(invocation: Invocation): Promise<void> {
  const filters = {
    credential: invocation.text('credential'),
    account: invocation.text('account'),
    accessor: invocation.text('accessor'),
    serial: invocation.text('serial'),
    lease: invocation.text('lease'),
    run_ref: invocation.text('runRef'),
    at: invocation.text('at'),
    from: invocation.text('from'),
    to: invocation.text('to'),
  };
  await printList(invocation, adminClient(invocation).audit.holds, filters, HOLDS);
}

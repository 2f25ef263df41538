import type { LegalHoldView } from '../../sdk/api-types.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';

/** `audit archive` */
export async function archive(invocation: Invocation): Promise<void> {
  const dryRun = invocation.flag('dryRun');
  const steps = await (await program(invocation)).archiveLog({ dryRun });
  const { output } = invocation;
  await output.show({ dry_run: dryRun, steps }, () =>
    steps.length === 0
      ? 'nothing to do'
      : output.table(steps, [
          ['FROM', (step) => step.from_index],
          ['TO', (step) => step.to_index],
          ['CLASS', (step) => step.class],
          [dryRun ? 'WOULD BE' : 'WAS', (step) => step.did],
          ['ENTRIES', (step) => step.entries],
        ]),
  );
}

/** `audit restore` */
export async function restore(invocation: Invocation): Promise<void> {
  const [fromIndex, name] = [Number(invocation.word(0)), invocation.word(1)];
  const entries = await (await program(invocation)).restoreLog(fromIndex, name, invocation.text('reason'));
  await invocation.output.show(
    { from_index: fromIndex, class: name, entries },
    () => `${entries} entries are back`,
  );
}

/** `audit parts` */
export async function parts(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const { items } = await adminClient(invocation).retention.parts();
  await output.show({ items }, () =>
    output.table(items, [
      ['FROM', (part) => part.from_index],
      ['TO', (part) => part.to_index],
      ['CLOSED', (part) => (part.closed ? 'yes' : 'no')],
      [
        'ARCHIVES',
        (part) => part.archives.map((one) => `${one.class} ${one.state} (${one.entries})`).join(', '),
      ],
    ]),
  );
}

/** `audit exports` */
export async function exports(invocation: Invocation): Promise<void> {
  const page = await adminClient(invocation).audit.exports();
  await invocation.output.show(page, () =>
    invocation.output.table(page.items, [
      ['EXPORT', (one) => one.name],
      ['LAST', (one) => one.last?.at],
      ['ENTRIES', (one) => one.last?.count],
      ['FOLDER', (one) => one.last?.folder],
      ['NEXT', (one) => one.next_at],
      ['FROM', (one) => one.next_index],
      ['FAILURES', (one) => one.attempts],
      ['WHY', (one) => one.last_error],
    ]),
  );
}

/** `audit holds list` */
export async function listHolds(invocation: Invocation): Promise<void> {
  await printList(invocation, adminClient(invocation).retention, {}, [
    ['PLACED', (hold) => hold.placed_at],
    ['BY', (hold) => hold.placed_by],
    ['SELECTS', (hold) => JSON.stringify(hold.selector)],
    ['REASON', (hold) => hold.reason],
    ['LIFTED', (hold) => hold.lifted_at],
    ['ID', (hold) => hold.id],
  ]);
}

/** `audit holds place` */
export async function placeHold(invocation: Invocation): Promise<void> {
  const text = (name: string): string | undefined => invocation.text(name);
  const given = {
    kinds: invocation.texts('kind') as LegalHoldView['selector']['kinds'],
    from: text('from'),
    to: text('to'),
    run: text('run') ?? text('runId'),
    run_ref: text('runRef'),
    grant: text('grant'),
    lease: text('lease'),
    credential: text('credential'),
    tool: text('tool'),
    workload: text('workload'),
    actor: text('actor'),
    account: text('account'),
  };
  const selector = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const hold = await adminClient(invocation).retention.place({ selector, reason: text('reason') ?? '' });
  await invocation.output.show(hold, () => invocation.output.whole(hold));
}

/** `audit holds lift` */
export async function liftHold(invocation: Invocation): Promise<void> {
  const hold = await adminClient(invocation).retention.lift(
    invocation.word(0),
    invocation.text('reason') ?? '',
  );
  await invocation.output.show(hold, () => invocation.output.whole(hold));
}

/** The program itself, which only commands on the broker's own machine load. */
async function program(invocation: Invocation) {
  const config = invocation.text('config');
  if (config !== undefined) process.env['LEASEGATE_CONFIG'] = config;
  return import('../../main.js');
}

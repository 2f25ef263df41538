import { setTimeout as pause } from 'node:timers/promises';
import type { AdminClient } from '../../sdk/admin-client.js';
import type { FindingView, HoldView, ReconciliationView } from '../../sdk/api-types.js';
import { CliError } from '../cli-error.js';
import { adminClient } from '../clients.js';
import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';

const POLL_MS = 300;
/** A person reads a screen; programs get every one. */
const SHOWN = 50;

/** `reconcile`: exits with 1 when it did not come to its end, or when differences are left. */
export async function reconcile(invocation: Invocation): Promise<number> {
  const client = adminClient(invocation);
  const dryRun = invocation.flag('dryRun');
  const asked = await client.reconciliations.start({ dryRun, reason: invocation.text('reason') });
  const done = await ended(client, asked, (invocation.number('timeout') ?? 600) * 1_000);
  const findings = await printReport(invocation, client, done);
  const left = findings.some(({ action }) => action !== 'done');
  return done.state === 'done' && !left ? EXIT.done : EXIT.failed;
}

/** `reconciliation list` */
export async function listReconciliations(invocation: Invocation): Promise<void> {
  await printList(invocation, adminClient(invocation).reconciliations, {}, [
    ['REQUESTED', (run) => run.requested_at],
    ['STATE', (run) => run.state],
    ['WHY', (run) => run.trigger],
    ['DRY RUN', (run) => run.dry_run],
    ['DIFFERENCES', (run) => differences(run)],
    ['SETTLED', (run) => run.acted],
    ['BY', (run) => run.requested_by],
    ['ID', (run) => run.id],
  ]);
}

/** `reconciliation get` */
export async function getReconciliation(invocation: Invocation): Promise<void> {
  const client = adminClient(invocation);
  await printReport(invocation, client, await client.reconciliations.get(invocation.word(0)));
}

/** `reconciliation abort` */
export async function abortReconciliation(invocation: Invocation): Promise<void> {
  const run = await adminClient(invocation).reconciliations.abort(invocation.word(0));
  await invocation.output.show(run, () => invocation.output.whole(run));
}

/** `hold status` */
export async function holdStatus(invocation: Invocation): Promise<void> {
  await printHold(invocation, await adminClient(invocation).hold.status());
}

/** `hold set` */
export async function setHold(invocation: Invocation): Promise<void> {
  await printHold(invocation, await adminClient(invocation).hold.set({ reason: invocation.text('reason') }));
}

/** `hold release` */
export async function releaseHold(invocation: Invocation): Promise<void> {
  const reason = invocation.text('reason') ?? '';
  await printHold(invocation, await adminClient(invocation).hold.release({ reason }));
}

async function ended(
  client: AdminClient,
  asked: ReconciliationView,
  waitMs: number,
): Promise<ReconciliationView> {
  const deadlineMs = performance.now() + waitMs;
  for (let run = asked; ; run = await client.reconciliations.get(asked.id)) {
    if (run.finished_at !== null) return run;
    if (performance.now() > deadlineMs) {
      throw new CliError('not_finished', `Reconciliation ${asked.id} is still ${run.state}.`, {
        next: `See later with: leasegate reconciliation get ${asked.id}. One that stays waiting needs a replica with the role scheduler.`,
      });
    }
    await pause(POLL_MS);
  }
}

async function printReport(
  { output }: Invocation,
  client: AdminClient,
  run: ReconciliationView,
): Promise<readonly FindingView[]> {
  const findings: FindingView[] = [];
  for await (const finding of client.reconciliations.findings(run.id)) findings.push(finding);
  if (output.json) {
    output.document({ ...run, findings });
    return findings;
  }
  const { looked_at: at, clock_skew_ms: skew } = run;
  output.line(
    output.fields([
      ['reconciliation', run.id],
      ['state', run.error === null ? run.state : `${run.state}: ${run.error}`],
      [
        'looked at',
        `${at.rows} rows, ${at.vault_leases} leases of Vault, ${at.tokens} tokens, ${at.target_users} users`,
      ],
      ['clocks', `database ${skew.database ?? '?'} ms, Vault ${skew.vault ?? '?'} ms ahead`],
      ['differences', differences(run)],
      ['settled', run.acted],
    ]),
  );
  if (findings.length > 0) {
    output.line('');
    output.line(
      output.table(findings.slice(0, SHOWN), [
        ['KIND', (finding) => finding.kind],
        ['DONE', (finding) => finding.action],
        ['CREDENTIAL', (finding) => finding.credential],
        ['WHAT', (finding) => finding.account ?? finding.vault_lease ?? finding.lease_id],
        ['DETAIL', (finding) => finding.detail],
      ]),
    );
  }
  if (findings.length > SHOWN) output.note(`and ${findings.length - SHOWN} more: --json shows all`, 'dim');
  for (const { what, why } of run.not_looked_at) output.note(`not looked at: ${what} (${why})`, 'dim');
  if (run.held) output.note('too many differences: revocation is held; see leasegate hold status', 'red');
  return findings;
}

async function printHold({ output }: Invocation, hold: HoldView): Promise<void> {
  await output.show(hold, () =>
    output.fields([
      ['revocation', hold.held ? 'hold' : 'on'],
      ['since', hold.changed_at],
      ['by', hold.changed_by],
      ['reason', hold.reason],
      ['unknown', unknownText(hold)],
    ]),
  );
}

function unknownText({ held, look }: HoldView): string {
  if (!held) return '-';
  if (look === null) return 'the books are being compared; ask again';
  const { counts } = look;
  return (
    `${counts.lease_lost} active leases that Vault lost, ${counts.lease_unknown + counts.lease_ambiguous} leases and ` +
    `${counts.token_unknown} tokens without a row, ${counts.target_user} users at targets without a lease ` +
    `(leasegate reconciliation get ${look.id})`
  );
}

function differences({ counts }: ReconciliationView): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

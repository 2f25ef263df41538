import type { RunEndView } from '../../sdk/api-types.js';
import { usageError } from '../cli-error.js';
import { adminClient, workerClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';

/** `run list` */
export async function listRuns(invocation: Invocation): Promise<void> {
  const filters = {
    state: invocation.text('state'),
    grant: invocation.text('grant'),
    run_id: invocation.text('runId'),
    subject: invocation.text('subject'),
  };
  await printList(invocation, adminClient(invocation).runs, filters, [
    ['RUN', (run) => run.run_id],
    ['STATE', (run) => run.state],
    ['GRANT', (run) => run.grant],
    ['OPENED', (run) => run.opened_at],
    ['ENDED', (run) => run.ended_at],
    ['WHY', (run) => run.end_cause],
    ['ID', (run) => run.id],
  ]);
}

/** `run get` */
export async function getRun(invocation: Invocation): Promise<void> {
  const run = await adminClient(invocation).runs.get(invocation.word(0));
  await invocation.output.show(run, () => invocation.output.whole(run));
}

/** `run close`: the own run of a worker, or as an admin the run that is named. */
export async function closeRun(invocation: Invocation): Promise<void> {
  const [id] = invocation.words;
  if (id === undefined && invocation.text('reason') !== undefined) {
    throw usageError(
      'A worker that closes its own run gives no reason.',
      'Leave out --reason, or name the run as an admin.',
    );
  }
  const ended =
    id === undefined
      ? await workerClient(invocation).run.close()
      : await adminClient(invocation).runs.act(id, 'close', { reason: invocation.text('reason') });
  await printEnd(invocation, ended);
}

/** `run revoke` */
export async function revokeRun(invocation: Invocation): Promise<void> {
  const because = { reason: invocation.text('reason') };
  await printEnd(invocation, await adminClient(invocation).runs.act(invocation.word(0), 'revoke', because));
}

/** `leases list` */
export async function listLeases(invocation: Invocation): Promise<void> {
  const filters = {
    state: invocation.text('state'),
    run: invocation.text('run') ?? invocation.text('runId'),
    grant: invocation.text('grant'),
    credential: invocation.text('credential'),
    kind: invocation.text('kind'),
  };
  await printList(invocation, adminClient(invocation).leases, filters, [
    ['CREDENTIAL', (lease) => lease.credential],
    ['STATE', (lease) => lease.state],
    ['RUN', (lease) => lease.run_id],
    ['STEP', (lease) => lease.step_id],
    ['GRANT', (lease) => lease.grant],
    ['EXPIRES', (lease) => lease.expires_at],
    ['REVOCABLE', (lease) => lease.revocable],
    ['WHY', (lease) => lease.revoke_cause],
    ['ID', (lease) => lease.id],
  ]);
}

/** `leases get` */
export async function getLease(invocation: Invocation): Promise<void> {
  const lease = await adminClient(invocation).leases.get(invocation.word(0));
  await invocation.output.show(lease, () => invocation.output.whole(lease));
}

/** `leases revoke` */
export async function revokeLease(invocation: Invocation): Promise<void> {
  const because = { reason: invocation.text('reason') };
  const lease = await adminClient(invocation).leases.revoke(invocation.word(0), because);
  await invocation.output.show(lease, () => invocation.output.whole(lease));
  if (!invocation.output.json && lease.proof === null) {
    invocation.output.note(
      'the revocation is under way and not proved yet; look again with `leasegate leases get`',
      'yellow',
    );
  }
}

async function printEnd({ output }: Invocation, ended: RunEndView): Promise<void> {
  await output.show(ended, () =>
    output.fields([
      ['run', ended.run.run_id],
      ['state', ended.run.state],
      ['leases', ended.leases],
      ['proved', ended.proved],
      ['outstanding', ended.outstanding],
    ]),
  );
  if (ended.outstanding > 0 && !output.json) {
    output.note('the broker keeps revoking what is outstanding until it is proved', 'yellow');
  }
}

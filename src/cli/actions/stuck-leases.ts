import { CliError } from '../cli-error.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';

/** `leases stuck` */
export async function listStuck(invocation: Invocation): Promise<void> {
  const filters = { stuck: 'true', credential: invocation.text('credential') };
  await printList(invocation, adminClient(invocation).leases, filters, [
    ['CREDENTIAL', (lease) => lease.credential],
    ['MOUNT', (lease) => lease.mount],
    ['STUCK SINCE', (lease) => lease.stuck_since],
    ['ATTEMPTS', (lease) => lease.attempts],
    ['NEXT', (lease) => lease.next_attempt_at],
    ['LAST ERROR', (lease) => lease.last_error],
    ['ID', (lease) => lease.id],
  ]);
}

/** `leases retry`: fails when the lease is not proved dead after it. */
export async function retryLease(invocation: Invocation): Promise<void> {
  const because = { reason: invocation.text('reason') };
  const lease = await adminClient(invocation).leases.retry(invocation.word(0), because);
  await invocation.output.show(lease, () => invocation.output.whole(lease));
  if (lease.proof === null) {
    throw new CliError('not_proved', 'The lease is not proved dead yet; it is tried again by itself.', {
      next: 'Look at `last_error`, and again with `leasegate leases get`.',
    });
  }
}

/** `leases forget` */
export async function forgetLease(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const because = { reason: invocation.text('reason') ?? '' };
  const forgotten = await adminClient(invocation).leases.forget(invocation.word(0), because);
  const { lease, may_be_alive: alive } = forgotten;
  await output.show(forgotten, () =>
    output.fields([
      ['lease', lease.id],
      ['state', lease.state],
      ['attempts', lease.attempts],
      ['last error', lease.last_error],
      ['mount', alive.mount],
      ['account', alive.account],
      ['vault ends it', alive.vault_ends_it_at],
    ]),
  );
  if (!output.json)
    output.note('nothing proves that this credential is dead: look after it at the target', 'yellow');
}

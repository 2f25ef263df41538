import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';

/** `audit keys`: a line each, as `audit verify --key` and verifiers of signed notes read it. */
export async function keys(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const answer = await adminClient(invocation).audit.keys();
  await output.show(answer, () => answer.items.map(({ key }) => key).join('\n'));
}

/** `audit checkpoint`: the newest, as it was signed. */
export async function checkpoint(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const note = await adminClient(invocation).audit.checkpoint();
  await output.show({ checkpoint: note }, () => note.trimEnd());
}

/** `audit new-origin` */
export async function newOrigin(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const begun = await adminClient(invocation).audit.newOrigin({ reason: invocation.text('reason') ?? '' });
  await output.show(begun, () =>
    output.fields([
      ['origin', begun.origin],
      ['begins with', `${begun.size} entries`],
      ['former', begun.former.origin],
      ['signed up to', begun.former.size],
      ['entries lost', begun.lost],
      ['link', begun.link === null ? 'not signed' : 'signed under both names'],
    ]),
  );
}

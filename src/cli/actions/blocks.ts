import type { BlockView } from '../../sdk/api-types.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';

/** `blocks list` */
export async function listBlocks(invocation: Invocation): Promise<void> {
  const filters = { standing: invocation.text('standing') };
  await printList(invocation, adminClient(invocation).blocks, filters, [
    ['KIND', (block) => block.kind],
    ['BLOCKED', blocked],
    ['REASON', (block) => block.reason],
    ['BY', (block) => block.created_by],
    ['SINCE', (block) => block.created_at],
    ['UNTIL', (block) => block.until],
    ['LIFTED', (block) => block.lifted_at],
    ['ID', (block) => block.id],
  ]);
}

/** `blocks lift` */
export async function liftBlock(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const because = { reason: invocation.text('reason') };
  const block = await adminClient(invocation).blocks.lift(invocation.word(0), because);
  await output.show(block, () =>
    output.fields([
      ['block', block.id],
      [block.kind, blocked(block)],
      ['lifted', block.lifted_at],
      ['by', block.lifted_by],
      ...(block.kind === 'target' ? [['enabled again', block.credentials.join(', ')] as const] : []),
    ]),
  );
}

function blocked({ issuer, subject, target }: BlockView): string {
  if (target !== null) return target;
  return subject === null ? `${issuer}` : `${issuer}#${subject}`;
}

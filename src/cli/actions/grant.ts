import type { GrantCreateBody, GrantSpec, GrantView } from '../../sdk/api-types.js';
import type { GrantAction } from '../../sdk/admin-resources.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';
import type { Column } from '../output.js';
import { nameOf, readInput, readSpec } from '../spec-file.js';

const COLUMNS: readonly Column<GrantView>[] = [
  ['NAME', (grant) => grant.name],
  ['STATE', (grant) => grant.state],
  ['VERSION', (grant) => grant.version],
  ['EXPIRES', (grant) => grant.expires_at],
  ['UPDATED', (grant) => grant.updated_at],
  ['ID', (grant) => grant.id],
];

/** `grant list` */
export async function list(invocation: Invocation): Promise<void> {
  const filters = {
    state: invocation.text('state'),
    issuer: invocation.text('issuer'),
    credential: invocation.text('credential'),
    tool: invocation.text('tool'),
    label: invocation.text('label'),
  };
  await printList(invocation, adminClient(invocation).grants, filters, COLUMNS);
}

/** `grant get` */
export async function get(invocation: Invocation): Promise<void> {
  await print(invocation, await adminClient(invocation).grants.get(invocation.word(0)));
}

/** `grant create` */
export async function create(invocation: Invocation): Promise<void> {
  await print(
    invocation,
    await adminClient(invocation).grants.create(await readSpec<GrantCreateBody>(invocation)),
  );
}

/** `grant change` */
export async function change(invocation: Invocation): Promise<void> {
  const { grants } = adminClient(invocation);
  const spec = await readSpec<GrantSpec>(invocation);
  const name = nameOf(invocation.words[0], spec);
  const version = invocation.number('ifVersion') ?? (await grants.get(name)).version;
  await print(invocation, await grants.change(name, spec, version));
}

/** `grant versions` */
export async function versions(invocation: Invocation): Promise<void> {
  const page = await adminClient(invocation).grants.versions(invocation.word(0));
  await invocation.output.show(page, () =>
    invocation.output.table(page.items, [
      ['VERSION', (version) => version.version],
      ['CREATED', (version) => version.created_at],
      ['BY', (version) => version.created_by],
      ['APPROVED BY', (version) => version.approved_by],
    ]),
  );
}

/** `grant approve` */
export async function approve(invocation: Invocation): Promise<void> {
  const { grants } = adminClient(invocation);
  await print(invocation, await grants.approve(invocation.word(0), invocation.number('ifVersion')));
}

/** `grant activate|suspend|resume|revoke` */
export function act(action: GrantAction): (invocation: Invocation) => Promise<void> {
  return async (invocation) => {
    const because = { reason: invocation.text('reason') };
    await print(invocation, await adminClient(invocation).grants.act(invocation.word(0), action, because));
  };
}

/** `grant explain` */
export async function explain(invocation: Invocation): Promise<void> {
  const token = await readInput(invocation, invocation.text('workloadTokenFile') ?? '-');
  const explanation = await adminClient(invocation).grants.explain({
    token: token.trim(),
    grant: invocation.textOr('grant', 'LEASEGATE_GRANT'),
    run_id: invocation.textOr('runId', 'LEASEGATE_RUN_ID'),
    step_id: invocation.textOr('stepId', 'LEASEGATE_STEP_ID'),
  });
  await invocation.output.show(explanation, () => invocation.output.whole(explanation));
}

async function print({ output }: Invocation, grant: GrantView): Promise<void> {
  await output.show(grant, () => output.whole(grant));
  if (!output.json) for (const warning of grant.warnings) output.note(`warning: ${warning}`, 'yellow');
}

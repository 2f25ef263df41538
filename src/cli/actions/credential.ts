import type { CredentialBody, CredentialView } from '../../sdk/api-types.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';
import { nameOf, readSpec } from '../spec-file.js';

/** `credential list` */
export async function list(invocation: Invocation): Promise<void> {
  const filters = { kind: invocation.text('kind'), enabled: invocation.text('enabled') };
  await printList(invocation, adminClient(invocation).credentials, filters, [
    ['NAME', (entry) => entry.name],
    ['KIND', (entry) => entry.kind],
    ['MOUNT', (entry) => entry.mount],
    ['PATH', (entry) => entry.path],
    ['TTL', (entry) => `${entry.default_ttl_seconds}s`],
    ['LONGEST', (entry) => `${entry.max_ttl_seconds}s`],
    ['REVOCABLE', (entry) => entry.revocable],
    ['ENABLED', (entry) => entry.enabled],
  ]);
}

/** `credential get` */
export async function get(invocation: Invocation): Promise<void> {
  await print(invocation, await adminClient(invocation).credentials.get(invocation.word(0)));
}

/** `credential create` */
export async function create(invocation: Invocation): Promise<void> {
  await print(
    invocation,
    await adminClient(invocation).credentials.create(await readSpec<CredentialBody>(invocation)),
  );
}

/** `credential change` */
export async function change(invocation: Invocation): Promise<void> {
  const { credentials } = adminClient(invocation);
  const spec = await readSpec<CredentialBody>(invocation);
  const name = nameOf(invocation.words[0], spec);
  const version = invocation.number('ifVersion') ?? (await credentials.get(name)).version;
  await print(invocation, await credentials.change(name, spec, version));
}

/** `credential disable|enable` */
export function act(action: 'disable' | 'enable'): (invocation: Invocation) => Promise<void> {
  return async (invocation) => {
    const because = { reason: invocation.text('reason') };
    await print(
      invocation,
      await adminClient(invocation).credentials.act(invocation.word(0), action, because),
    );
  };
}

async function print({ output }: Invocation, credential: CredentialView): Promise<void> {
  await output.show(credential, () => output.whole(credential));
}

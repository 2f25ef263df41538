import type { ToolDocument, ToolSpecDocument } from '../../sdk/admin-tools.js';
import { usageError } from '../cli-error.js';
import { adminClient } from '../clients.js';
import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';
import { nameOf, readInput, readSpec } from '../spec-file.js';

/** `tool list` */
export async function list(invocation: Invocation): Promise<void> {
  const filters = {
    enabled: invocation.text('enabled'),
    credential: invocation.text('credential'),
    label: invocation.text('label'),
  };
  await printList(invocation, adminClient(invocation).tools, filters, [
    ['NAME', (tool) => tool.name],
    ['VERSION', (tool) => tool.version],
    ['METHOD', (tool) => tool.spec.method],
    ['URL', (tool) => tool.spec.url],
    ['CREDENTIAL', (tool) => tool.spec.credential?.name],
    ['ENABLED', (tool) => tool.enabled],
  ]);
}

/** `tool get` */
export async function get(invocation: Invocation): Promise<void> {
  await print(invocation, await adminClient(invocation).tools.get(invocation.word(0)));
}

/** `tool versions` */
export async function versions(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const page = await adminClient(invocation).tools.versions(invocation.word(0));
  await output.show(page, () =>
    output.table(page.items, [
      ['VERSION', (version) => version.version],
      ['CREATED', (version) => version.created_at],
      ['BY', (version) => version.created_by],
      ['URL', (version) => version.spec.url],
    ]),
  );
}

/** `tool create` */
export async function create(invocation: Invocation): Promise<void> {
  const spec = await readSpec<ToolSpecDocument>(invocation);
  await print(invocation, await adminClient(invocation).tools.create(spec));
}

/** `tool change` */
export async function change(invocation: Invocation): Promise<void> {
  const { tools } = adminClient(invocation);
  const spec = await readSpec<ToolSpecDocument>(invocation);
  const name = nameOf(invocation.words[0], spec);
  const version = invocation.number('ifVersion') ?? (await tools.get(name)).version;
  await print(invocation, await tools.change(name, spec, version));
}

/** `tool disable|enable` */
export function act(action: 'disable' | 'enable'): (invocation: Invocation) => Promise<void> {
  return async (invocation) => {
    const because = { reason: invocation.text('reason') };
    await print(invocation, await adminClient(invocation).tools.act(invocation.word(0), action, because));
  };
}

/** `tool test`; 1 when the destination is refused. */
export async function test(invocation: Invocation): Promise<number> {
  const { output } = invocation;
  const made = await adminClient(invocation).tools.test(invocation.word(0), {
    arguments: await readArguments(invocation),
    grant: invocation.text('under'),
  });
  const { request, destination } = made;
  await output.show(made, () =>
    [
      `${request.method} ${request.url}`,
      ...Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`),
      ...(request.client_certificate ? ['(with a client certificate)'] : []),
      ...(request.body === null ? [] : ['', request.body]),
      '',
      destination.allowed
        ? `destination: allowed (${destination.addresses.join(', ')})`
        : `destination: ${destination.code ?? 'refused'}: ${destination.detail ?? ''}`,
    ].join('\n'),
  );
  return destination.allowed ? EXIT.done : EXIT.failed;
}

async function readArguments(invocation: Invocation): Promise<Record<string, unknown>> {
  const file = invocation.text('args');
  if (file === undefined) return {};
  const { parse } = await import('yaml');
  const value: unknown = parse(await readInput(invocation, file), { maxAliasCount: 0 });
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageError('The arguments are not one mapping with path, query, header and body.');
  return value as Record<string, unknown>;
}

async function print({ output }: Invocation, tool: ToolDocument): Promise<void> {
  await output.show(tool, () => output.whole(tool));
}

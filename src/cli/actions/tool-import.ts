import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LeasegateError } from '../../sdk/leasegate-error.js';
import type { ToolSpecDocument } from '../../sdk/admin-tools.js';
import { usageError } from '../cli-error.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { OpenApiDocument } from '../openapi/document.js';
import { toolDraft } from '../openapi/tool-draft.js';
import { readInput } from '../spec-file.js';

/** `tool import openapi` */
export async function openapi(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const document = await readDocument(invocation);
  const ids = (invocation.text('operations') ?? '').split(',').map((id) => id.trim());
  const drafts = ids
    .filter((id) => id !== '')
    .map((id) =>
      toolDraft(document, id, {
        credential: invocation.text('credential'),
        server: invocation.text('server'),
        prefix: invocation.text('prefix'),
        note: (text) => output.note(text, 'yellow'),
      }),
    );
  if (drafts.length === 0) throw usageError('No operation is named.');
  const folder = invocation.text('out');
  if (folder !== undefined) await writeDrafts(invocation, folder, drafts);
  if (invocation.flag('apply')) for (const draft of drafts) await apply(invocation, draft);
  const { stringify } = await import('yaml');
  await output.show({ tools: drafts }, () =>
    drafts.map((draft) => stringify(draft, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'),
  );
}

async function readDocument(invocation: Invocation): Promise<OpenApiDocument> {
  const file = invocation.word(0);
  const { parse } = await import('yaml');
  const text = await readInput(invocation, file);
  try {
    return OpenApiDocument.of(parse(text, { maxAliasCount: 100 }));
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'CliError') throw error;
    throw usageError(`${file} is neither YAML nor JSON: ${error.message.split('\n', 1)[0] ?? ''}`);
  }
}

async function writeDrafts(
  { output }: Invocation,
  folder: string,
  drafts: readonly ToolSpecDocument[],
): Promise<void> {
  const { stringify } = await import('yaml');
  await mkdir(folder, { recursive: true });
  for (const draft of drafts) {
    const file = join(folder, `${draft.name}.yaml`);
    await writeFile(file, stringify(draft, { lineWidth: 0, aliasDuplicateObjects: false }));
    output.note(`wrote ${file}`);
  }
}

/** Creates a tool, or makes the draft the next version of the one that is there. */
async function apply(invocation: Invocation, draft: ToolSpecDocument): Promise<void> {
  const { tools } = adminClient(invocation);
  const existing = await tools.get(draft.name).catch((error: unknown) => {
    if (error instanceof LeasegateError && error.code === 'not_found') return undefined;
    throw error;
  });
  const saved =
    existing === undefined
      ? await tools.create(draft)
      : await tools.change(draft.name, draft, existing.version);
  invocation.output.note(`${saved.name} is at version ${saved.version}`);
}

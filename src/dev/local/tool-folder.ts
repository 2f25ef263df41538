import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { LocalUsageError, type SecretSource } from './options.js';

/** A tool as its file has it; only what local mode has to know of it. */
export interface ToolFile {
  readonly name: string;
  readonly credential?: { readonly name?: string };
}

/** The tools of a folder; throws {@link LocalUsageError} when there are none. */
export async function readTools(folder: string): Promise<readonly ToolFile[]> {
  const names = await readdir(folder).catch(() => {
    throw new LocalUsageError(`the folder ${folder} cannot be read`);
  });
  const files = names.filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  if (files.length === 0) throw new LocalUsageError(`there is no tool in ${folder}`);
  return Promise.all(
    files.map(async (file) => {
      const spec: unknown = parse(await readFile(join(folder, file), 'utf8'));
      if (typeof (spec as ToolFile | null)?.name !== 'string') {
        throw new LocalUsageError(`${join(folder, file)} is not a tool: it has no name`);
      }
      return spec as ToolFile;
    }),
  );
}

/**
 * The values of every credential that the tools name, by credential and field. Throws {@link LocalUsageError} for a
 * variable that is not set, and for a credential that no secret was given for or that no tool names.
 */
export function secretValues(
  tools: readonly ToolFile[],
  sources: readonly SecretSource[],
  environment: NodeJS.ProcessEnv,
): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const wanted = new Set(tools.map((tool) => tool.credential?.name).filter((name) => name !== undefined));
  const values = new Map<string, Record<string, string>>();
  for (const { credential, field, variable } of sources) {
    const value = environment[variable] ?? '';
    if (value === '') throw new LocalUsageError(`the variable ${variable} is not set`);
    if (!wanted.has(credential))
      throw new LocalUsageError(`no tool of the folder names credential ${credential}`);
    values.set(credential, { ...values.get(credential), [field]: value });
  }
  for (const name of wanted) {
    if (!values.has(name)) {
      throw new LocalUsageError(`credential ${name} has no value: give --secret ${name}.FIELD=VARIABLE`);
    }
  }
  return values;
}

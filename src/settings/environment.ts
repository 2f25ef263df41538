import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { SettingsError, type SettingsProblem } from './settings-error.js';
import { environmentName, leafKind, membersOf, unwrap } from './shape.js';

const PREFIX = 'LEASEGATE_';

/** Variables with a name of their own, and the setting that they stand for. */
export const NAMED_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  DATABASE_URL: ['database', 'url'],
  LEASEGATE_ROLES: ['roles'],
  LEASEGATE_REVOCATION: ['leases', 'revocation'],
};

/** Variables of the same prefix that are not settings: those of the command line, workers, builds and fault tests. */
const OTHERS: ReadonlySet<string> = new Set(
  [
    'CONFIG',
    'URL',
    'TOKEN',
    'TOKEN_FILE',
    'RUN_TOKEN',
    'OIDC_TOKEN',
    'OIDC_TOKEN_FILE',
    'OIDC_AUDIENCE',
    'GRANT',
    'RUN_ID',
    'STEP_ID',
    'VAULT_BIN',
    'DEMO_TARGET',
    'CRASH_AT',
  ].map((name) => PREFIX + name),
);

/** A setting that the environment gives. */
export interface EnvironmentSetting {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly variable: string;
}

/**
 * The settings that environment variables give. Refuses, by name and never by value, a variable that is no setting.
 * `…_FILE` on any secret reads it from a file, as container platforms mount them.
 */
export function settingsFromEnvironment(
  schema: z.core.$ZodType,
  environment: Readonly<Record<string, string | undefined>>,
): EnvironmentSetting[] {
  const problems: SettingsProblem[] = [];
  const found: EnvironmentSetting[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    const named = NAMED_VARIABLES[variable];
    if (text === undefined || (named === undefined && !variable.startsWith(PREFIX)) || OTHERS.has(variable))
      continue;
    const target = named
      ? { path: named, leaf: at(schema, named), file: false }
      : resolve(schema, variable.slice(PREFIX.length).split('__'));
    if (target?.leaf === undefined) {
      problems.push({ key: variable, problem: 'is not a setting' });
      continue;
    }
    const raw = target.file ? readSecret(text) : text;
    const value = raw === undefined ? undefined : valueOf(target.leaf, raw, variable);
    if (value === undefined) problems.push({ key: variable, problem: complaint(target.leaf, target.file) });
    else found.push({ path: target.path, value, variable });
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return found;
}

interface Target {
  readonly path: readonly string[];
  readonly leaf: z.core.$ZodType | undefined;
  readonly file: boolean;
}

function resolve(schema: z.core.$ZodType, names: readonly string[]): Target | undefined {
  const path: string[] = [];
  let current = schema;
  for (const [index, name] of names.entries()) {
    const members = membersOf(current);
    if (members === undefined) return undefined;
    const last = index === names.length - 1;
    const exact = [...members].find(([key]) => environmentName(key) === name);
    const [key, next] = exact ?? [];
    if (key !== undefined && next !== undefined) {
      path.push(key);
      current = next;
      continue;
    }
    const secret = last
      ? [...members].find(
          ([member, leaf]) => unwrap(leaf).transformed && `${environmentName(member)}_FILE` === name,
        )
      : undefined;
    return secret && { path: [...path, secret[0]], leaf: secret[1], file: true };
  }
  return { path, leaf: current, file: false };
}

function at(schema: z.core.$ZodType, path: readonly string[]): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>(
    (current, key) => (current === undefined ? undefined : membersOf(current)?.get(key)),
    schema,
  );
}

function valueOf(leaf: z.core.$ZodType, text: string, variable: string): unknown {
  if (variable === 'LEASEGATE_ROLES' && !text.trimStart().startsWith('['))
    return text.split(',').map((role) => role.trim());
  switch (leafKind(leaf)) {
    case 'text':
      return text;
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'json':
      try {
        return JSON.parse(text) as unknown;
      } catch {
        // The parser's message quotes the text, which may be a secret.
        return undefined;
      }
  }
}

function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    return undefined;
  }
}

function complaint(leaf: z.core.$ZodType, file: boolean): string {
  if (file) return 'names a file that cannot be read';
  const kind = leafKind(leaf);
  if (kind === 'number') return 'is not a number';
  return kind === 'boolean' ? 'is neither true nor false' : 'is not well-formed JSON';
}

import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { Secret } from '../kernel/secret.js';
import { settingsFromEnvironment, type EnvironmentSetting } from './environment.js';
import { Settings, settingsSchema, type SettingsValues } from './schema.js';
import { SettingsError, type SettingsProblem } from './settings-error.js';

/** Where settings come from. */
export interface SettingsSources {
  /** YAML file; `LEASEGATE_CONFIG` names it otherwise, and without either there is none. */
  readonly file?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

class LoadedSettings extends Settings {
  constructor(readonly values: SettingsValues) {
    super();
  }
}

/**
 * Reads the settings: the file, then the environment over it. Everything that is wrong is named at once, by key.
 * @throws SettingsError which never carries a value.
 */
export function loadSettings(sources: SettingsSources = {}): Settings {
  const environment = sources.environment ?? process.env;
  const file = sources.file ?? environment['LEASEGATE_CONFIG'];
  const base = file === undefined || file === '' ? {} : readSettingsFile(file);
  return settingsFrom(overlay(base, settingsFromEnvironment(settingsSchema, environment)));
}

/** Settings from a plain value, validated and frozen. */
export function settingsFrom(input: unknown): Settings {
  const result = settingsSchema.safeParse(input);
  if (!result.success) throw new SettingsError(result.error.issues.flatMap(problemsOf));
  return new LoadedSettings(freeze(result.data));
}

function readSettingsFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new SettingsError([{ key: path, problem: 'cannot be read' }]);
  }
  let value: unknown;
  try {
    // Without `prettyErrors` the message does not quote the source, which holds secrets.
    value = parse(text, { prettyErrors: false, maxAliasCount: 0 });
  } catch (error) {
    const where = error instanceof YAMLParseError ? ` (line ${lineAt(text, error.pos[0])})` : '';
    throw new SettingsError([{ key: path, problem: `is not well-formed YAML${where}` }]);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new SettingsError([{ key: path, problem: 'is not a mapping of settings' }]);
  return value as Record<string, unknown>;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function overlay(
  base: Record<string, unknown>,
  settings: readonly EnvironmentSetting[],
): Record<string, unknown> {
  const result = structuredClone(base);
  for (const { path, value } of settings) {
    let level = result;
    for (const key of path.slice(0, -1)) {
      const next = level[key];
      if (typeof next === 'object' && next !== null) level = next as Record<string, unknown>;
      else level = level[key] = {};
    }
    const last = path.at(-1);
    if (last !== undefined) level[last] = value;
  }
  return result;
}

function problemsOf(issue: z.core.$ZodIssue): SettingsProblem[] {
  const key = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((unknown) => ({
      key: key === '' ? unknown : `${key}.${unknown}`,
      problem: 'is not a setting',
    }));
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return [
    {
      key: key === '' ? 'settings' : key,
      problem: missing ? `${issue.message}; it is required` : issue.message,
    },
  ];
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}

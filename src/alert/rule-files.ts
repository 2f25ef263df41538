import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { SettingsError, type SettingsProblem } from '../settings/settings-error.js';
import { CompiledRule } from './compiled-rule.js';
import { ruleSchema } from './rule.js';

const YAML = /\.ya?ml$/;

/**
 * The rules of a folder, one in each YAML file, in order of file names. Throws a `SettingsError` that names every file
 * with a mistake: a broker without its alerts should not look like one that has nothing to report.
 */
export function readRules(folder: string, channels: readonly string[]): readonly CompiledRule[] {
  let files: string[];
  try {
    files = readdirSync(folder)
      .filter((file) => YAML.test(file))
      .sort();
  } catch {
    throw new SettingsError([{ key: 'alerts.rulesFolder', problem: 'cannot be read' }]);
  }
  const problems: SettingsProblem[] = [];
  const rules = new Map<string, CompiledRule>();
  for (const file of files) {
    const path = join(folder, file);
    const rule = readRule(path, problems);
    if (rule === undefined) continue;
    const { name, channels: wanted = [] } = rule.rule;
    if (rules.has(name)) problems.push({ key: path, problem: `has the name of another rule, ${name}` });
    for (const channel of wanted.filter((each) => !channels.includes(each)))
      problems.push({ key: path, problem: `names the channel ${channel}, which the settings do not have` });
    rules.set(name, rule);
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return [...rules.values()];
}

/** The folder with the rules that come with the program; the same when it runs from `src` and from `dist`. */
export function shippedRulesFolder(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const rules = join(folder, 'config', 'alerts');
    if (existsSync(join(folder, 'package.json')) && existsSync(rules)) return rules;
  }
  throw new SettingsError([
    { key: 'alerts.rulesFolder', problem: 'is needed: no rules came with the program' },
  ]);
}

function readRule(path: string, problems: SettingsProblem[]): CompiledRule | undefined {
  let value: unknown;
  try {
    value = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
  } catch {
    problems.push({ key: path, problem: 'cannot be read as YAML' });
    return undefined;
  }
  const result = ruleSchema.safeParse(value);
  if (!result.success) {
    for (const { path: field, message } of result.error.issues)
      problems.push({ key: path, problem: `${field.map(String).join('.')} ${message}`.trim() });
    return undefined;
  }
  try {
    return CompiledRule.of(result.data);
  } catch (error) {
    problems.push({ key: path, problem: `when.cel ${error instanceof Error ? error.message : 'is wrong'}` });
    return undefined;
  }
}

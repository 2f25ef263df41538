import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/program.js';
import { ERROR_CODES } from '../../../src/kernel/error-codes.js';
import { pages, pageText, snippetsOf } from './snippets.js';

const nowhere = {
  stdin: new PassThrough(),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  environment: {},
};
const { program } = buildProgram(nowhere, '0.0.0');

/** Command lines of pages for people; the reference is made from the commands themselves. */
const lines = pages()
  .filter((page) => !page.includes('reference'))
  .flatMap(snippetsOf)
  .filter(({ kind }) => kind === '' || kind === 'sh')
  .flatMap(({ where, text }) =>
    text
      .replace(/\\\n/g, ' ')
      .split('\n')
      .flatMap((line) => /^\s*(?:\w+=\S+ )*leasegate ([a-z].*)$/.exec(line)?.[1] ?? [])
      .map(
        (words) => [`${where} ${words}`, words.replace(/ #.*| [|>].*/, '').replace(/ -- .*/, '')] as const,
      ),
  );

it('is shown in many pages', () => expect(lines.length).toBeGreaterThan(40));

it.each(lines)('%s', (_, text) => {
  const words = text.replace(/"[^"]*"|'[^']*'/g, 'TEXT').split(/\s+/);
  let command: Command = program;
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  expect(command, 'is no command').not.toBe(program);
  const known = new Set<string>();
  for (let at: Command | null = command; at !== null; at = at.parent)
    for (const { short, long } of [...at.options, ...defaultOf(at)])
      [short, long].forEach((name) => name && known.add(name));
  const options = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.replace(/=.*/, ''));
  expect(options.filter((option) => !known.has(option) && option !== '--help')).toEqual([]);
});

/** Options of the command that a group runs when none is named. */
function defaultOf(command: Command): readonly { readonly short?: string; readonly long?: string }[] {
  const name = (command as unknown as { _defaultCommandName?: string | null })._defaultCommandName;
  return command.commands.find((each) => each.name() === name)?.options ?? [];
}

it('names codes that there are', () => {
  const named = [...pageText('docs/gateway/README.md').matchAll(/^\| \d+ .*\|(.*)\|$/gm)].flatMap(
    ([, cell = '']) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code),
  );
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((code) => !(code in ERROR_CODES))).toEqual([]);
});

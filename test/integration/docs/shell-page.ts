import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { snippetsOf } from './snippets.js';

/**
 * Does what the `sh` blocks of these pages say, in order and in one shell, and expects that each prints the lines of
 * the `output` block behind it, where `…` stands for anything. Answers how many blocks there were.
 */
export async function followPages(
  pages: readonly string[],
  environment: Readonly<Record<string, string>>,
  /** Where the shell is; the repository unless told. */
  folder?: string,
): Promise<number> {
  const steps = pages.flatMap(snippetsOf).filter(({ kind }) => kind === 'sh' || kind === 'output');
  const script = steps
    .filter(({ kind }) => kind === 'sh')
    .map(({ text: code, where }) => `echo '## ${where}'\n${code}`);
  // What a page leaves running in the background ends with its shell.
  const farewell = `trap 'kill $(jobs -p) 2> /dev/null || true' EXIT`;
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', [farewell, ...script].join('\n')], {
    env: { PATH: process.env['PATH'], ...environment },
    ...(folder === undefined ? {} : { cwd: folder }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const together: Buffer[] = [];
  shell.stdout.on('data', (chunk: Buffer) => together.push(chunk));
  const complaints = text(shell.stderr);
  shell.stderr.on('data', (chunk: Buffer) => together.push(chunk));
  const [code] = (await once(shell, 'close')) as [number | null];
  const printed = Buffer.concat(together).toString();
  expect(code, `${await complaints}\n${printed}`).toBe(0);

  let current = '';
  for (const { kind, where, text: wanted } of steps) {
    if (kind === 'sh') current = printed.split(`## ${where}\n`)[1]?.split('\n## docs/')[0] ?? '';
    else for (const line of wanted.split('\n')) expect(current, where).toMatch(patternOf(line));
  }
  return script.length;
}

function patternOf(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}${line.endsWith('…') ? '' : '.*'}$`, 'm');
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { issuerParts } from '../../support/parts.js';
import { startWorld, type World } from '../../support/world.js';
import { snippetsOf } from './snippets.js';

let world: World;
let home: string;

beforeAll(async () => {
  world = await startWorld({ mode: 'process' });
  home = await mkdtemp(join(tmpdir(), 'leasegate-tutorial-'));
}, 180_000);

afterAll(async () => {
  await world.stop();
  await rm(home, { recursive: true });
});

it('does and prints what the tutorial says', { timeout: 120_000 }, async () => {
  const steps = snippetsOf('docs/tutorial.md').filter(({ kind }) => kind === 'sh' || kind === 'output');
  const script = steps
    .filter(({ kind }) => kind === 'sh')
    .map(({ text: code, where }) => `echo '## ${where}'\n${code}`);
  expect(script.length).toBeGreaterThan(8);

  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script.join('\n')], {
    env: { PATH: process.env['PATH'], HOME: home, BROKER: world.baseUrl, ISSUER: issuerParts().url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const together: Buffer[] = [];
  shell.stdout.on('data', (chunk: Buffer) => together.push(chunk));
  const complaints = text(shell.stderr);
  shell.stderr.on('data', (chunk: Buffer) => together.push(chunk));
  const [code] = (await once(shell, 'close')) as [number | null];
  expect(code, await complaints).toBe(0);

  const printed = Buffer.concat(together).toString();
  let current = '';
  for (const { kind, where, text: wanted } of steps) {
    if (kind === 'sh') current = printed.split(`## ${where}\n`)[1]?.split('\n## docs/')[0] ?? '';
    else for (const line of wanted.split('\n')) expect(current, where).toMatch(patternOf(line));
  }
});

/** `…` stands for anything in a line. */
function patternOf(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}${line.endsWith('…') ? '' : '.*'}$`, 'm');
}

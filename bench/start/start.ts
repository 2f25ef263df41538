import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { leasegateProgram } from '../../src/dev/dev-broker.js';
import { repositoryRoot } from '../../src/dev/repository.js';
import { measured, median, report, type Report } from '../report.js';

/** How long a person waits for the command line to say something, and for a second start of the demo. */
export async function benchStart(rounds: number, progress: (line: string) => void): Promise<Report> {
  const help: number[] = [];
  for (let round = 0; round < rounds * 3; round += 1) help.push(await wallMs([leasegateProgram(), '--help']));
  progress(`leasegate --help: ${help.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  const demo: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const ms = await wallMs([join(repositoryRoot(), 'tools', 'run.mjs'), 'demo', '--json']);
    progress(`demo${round === 0 ? ' (first, not counted)' : ''}: ${(ms / 1000).toFixed(1)} s`);
    if (round > 0) demo.push(ms / 1000);
  }
  return report('start', rounds, [
    measured({
      case: 'leasegate --help',
      metric: 'wall time',
      unit: 'ms',
      ours: median(help),
      limit: 250,
      better: 'lower',
    }),
    measured({
      case: 'demo, second start to end',
      metric: 'wall time',
      unit: 's',
      ours: median(demo),
      limit: 15,
      better: 'lower',
    }),
  ]);
}

async function wallMs(args: readonly string[]): Promise<number> {
  const begin = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return performance.now() - begin;
}

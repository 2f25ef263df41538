import { spawn, type ChildProcess } from 'node:child_process';
import { until } from '../../support/until.js';
import type { CompiledCli } from '../../unit/cli/compiled-cli.js';

/** A command line that runs, or ran, as a process of its own. */
export interface Started {
  readonly child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Waits for its end. */
  ended(): Promise<Ended>;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `leasegate` with nothing in its environment but what is given. */
export function start(
  cli: CompiledCli,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  stdin = '',
): Started {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [cli.bin, ...words], {
    env: { PATH, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  let exitCode: number | null | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.once('close', (code) => (exitCode = code));
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  return {
    child,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    async ended() {
      await until(() => exitCode !== undefined, {
        deadlineMs: 90_000,
        what: `the end of leasegate ${words.join(' ')}`,
      });
      return { exitCode: exitCode ?? null, ...output };
    },
  };
}

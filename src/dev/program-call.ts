import { spawn } from 'node:child_process';
import { leasegateProgram } from './dev-broker.js';
import { StepFailed } from './demo/steps.js';

/** What somebody at the command line is: the broker that they talk to, who they are, and a home of their own. */
export interface Person {
  readonly url: string;
  readonly token: string;
  readonly home: string;
}

/** Runs `leasegate` as a process, as this person; answers what `--json` printed. Throws {@link StepFailed}. */
export async function leasegate(
  person: Person | undefined,
  words: readonly string[],
  signal: AbortSignal,
  input = '',
): Promise<unknown> {
  const child = spawn(process.execPath, [leasegateProgram(), ...words, '--json'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      ...(person && { HOME: person.home, LEASEGATE_URL: person.url, LEASEGATE_TOKEN: person.token }),
    },
    signal,
  });
  let out = '';
  let problems = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (problems += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    throw new StepFailed(`leasegate ${words.join(' ')} ended with ${code}: ${problems.trim()}`);
  }
  return out.trim() === '' ? undefined : JSON.parse(out);
}

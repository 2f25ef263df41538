import { Readable, Writable } from 'node:stream';
import { main } from '../../../src/cli/leasegate.js';

/** What a command line gave, run in this process. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process with an environment of its own and no terminal. */
export async function runCli(
  words: readonly string[],
  options: {
    readonly environment?: Readonly<Record<string, string>>;
    readonly stdin?: string;
    readonly terminal?: boolean;
  } = {},
): Promise<Outcome> {
  const [stdout, stderr] = [new Sink(), new Sink()];
  stdout.isTTY = options.terminal === true;
  stderr.isTTY = options.terminal === true;
  const stdin = Readable.from(options.stdin === undefined ? [] : [options.stdin]);
  const exitCode = await main(words, { stdin, stdout, stderr, environment: options.environment ?? {} });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

class Sink extends Writable {
  text = '';
  isTTY = false;

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

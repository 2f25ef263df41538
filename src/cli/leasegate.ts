import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { EXIT } from './exit-code.js';
import { failureOf } from './failure.js';
import type { Surrounding } from './invocation.js';
import { Output } from './output.js';
import { buildProgram } from './program.js';

/** Runs one command line (without the program's name) and answers its exit code. */
export async function main(words: readonly string[], surrounding: Surrounding): Promise<number> {
  const { program, set } = buildProgram(surrounding, packageVersion());
  try {
    await program.parseAsync([...words], { from: 'user' });
    return set.exitCode;
  } catch (error) {
    const output = new Output(surrounding, asksForDocument(words), surrounding.environment);
    if (error instanceof CommanderError && HELP.has(error.code)) {
      if (error.exitCode === 0) return EXIT.done;
      // A group without a command, which printed its help on standard error.
      if (output.json) {
        output.jsonLine({ error: { code: 'usage', detail: 'A command is missing.', exit_code: EXIT.usage } });
      }
      return EXIT.usage;
    }
    const failure = failureOf(error);
    const { exitCode, usableUntil, ...rest } = failure;
    const until = usableUntil === undefined ? {} : { usable_until: usableUntil };
    if (output.json) output.jsonLine({ error: { ...rest, ...until, exit_code: exitCode } });
    output.fail(failure);
    return exitCode;
  }
}

const HELP = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

/** Whether standard output is ours to put a document on: not when it is the child's, an export's or a protocol's. */
function asksForDocument(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  const stream =
    own.includes('exec') || own.includes('mcp') || (own.includes('audit') && own.includes('export'));
  return own.includes('--json') && !stream;
}

function packageVersion(): string {
  // From `dist/src/cli` and from `src/cli` alike, the nearest package.json above is ours.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8');
      const version = (JSON.parse(text) as { version?: unknown }).version;
      if (typeof version === 'string') return version;
    } catch {
      continue;
    }
  }
  return '0.0.0';
}

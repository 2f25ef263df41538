import { InvalidArgumentError, Option, type Command } from 'commander';
import { EXIT } from './exit-code.js';
import { Invocation, type Surrounding } from './invocation.js';

/** What a command does; answers an exit code when it is not 0. */
export type Action = (invocation: Invocation) => Promise<number | void>;

/** What a command's help says. */
export interface About {
  readonly summary: string;
  /** A command line that works, without the leading `$`. */
  readonly example: string;
  /** The command that a group runs when none is named. */
  readonly isDefault?: boolean;
}

/** Defines commands whose work is loaded only when they are run, and keeps the exit code of the one that was. */
export class CommandSet {
  exitCode: number = EXIT.done;

  constructor(private readonly surrounding: Surrounding) {}

  /** A command that does something; `words` is its name and arguments as commander writes them. */
  leaf(parent: Command, words: string, about: About, load: () => Promise<Action>): Command {
    return parent
      .command(words, { isDefault: about.isDefault === true })
      .description(about.summary)
      .addHelpText('after', `\nExample:\n  $ ${about.example}`)
      .action(async (...given: unknown[]) => {
        // Commander hands over the command itself last.
        const command = given.at(-1) as Command;
        const action = await load();
        this.exitCode = (await action(new Invocation(command, command.args, this.surrounding))) ?? EXIT.done;
      });
  }

  /** A command that only holds others. */
  group(parent: Command, name: string, summary: string): Command {
    return parent.command(name).description(summary);
  }
}

const GLOBAL_OPTIONS: readonly (readonly [flags: string, description: string])[] = [
  ['--url <url>', 'address of the broker (LEASEGATE_URL; http://127.0.0.1:8480)'],
  [
    '--token <token>',
    'bearer of an admin (LEASEGATE_TOKEN), or the platform token of a worker; others on the machine can see it',
  ],
  ['--token-file <file>', 'file with that token (LEASEGATE_TOKEN_FILE)'],
  ['--json', 'print one JSON document, or JSON Lines'],
  ['--run-id <id>', 'the run (LEASEGATE_RUN_ID)'],
  ['--step-id <id>', 'the step of the run (LEASEGATE_STEP_ID)'],
  ['--grant <grant>', 'the grant (LEASEGATE_GRANT)'],
];

/** Lets the global options stand after any command; commands that hold others take them too, but say so nowhere. */
export function addGlobalOptions(command: Command): void {
  const quiet = command.parent !== null && command.commands.length > 0;
  for (const [flags, description] of GLOBAL_OPTIONS) {
    const option = new Option(flags, description).helpGroup('Global options:').hideHelp(quiet);
    if (!command.options.some(({ long }) => long === option.long)) command.addOption(option);
  }
  for (const child of command.commands) addGlobalOptions(child);
}

/** Parses a number of seconds: an integer, or one with `s`, `m` or `h`. */
export function parseSeconds(text: string): number {
  const [, digits, unit] = /^([0-9]{1,9})(s|m|h)?$/.exec(text) ?? [];
  const value = Number(digits) * ({ s: 1, m: 60, h: 3600 }[unit ?? 's'] ?? NaN);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It is a number of seconds such as 900, 15m or 1h.');
  }
  return value;
}

/** Parses a whole number from 1. */
export function parseCount(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.');
  return Number(text);
}

/** Gathers an option that may be given several times. */
export function gather(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

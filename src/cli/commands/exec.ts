import type { Command } from 'commander';
import { gather, parseSeconds, type CommandSet } from '../command-set.js';

/** `exec`: a command with credentials that live as long as it does. */
export function defineExecCommand(set: CommandSet, program: Command): void {
  set
    .leaf(
      program,
      'exec <command...>',
      {
        summary:
          'run a command with leased credentials, renewed and replaced while it lives and released when it ends; passes on signals and its exit code (128 + n for a signal, 127 not found, 126 not executable)',
        example: 'leasegate exec --credential orders-readonly=DB --run-id nightly-42 -- ./load.sh',
      },
      async () => (await import('../actions/exec.js')).exec,
    )
    .usage('[options] -- <command...>')
    .passThroughOptions()
    .option(
      '--credential <name[=prefix]>',
      'lease it; its fields become variables such as PREFIX_PASSWORD (prefix: the name in capitals); repeatable',
      gather,
    )
    .option(
      '--env <variable=name.field>',
      'lease it and put one field into that variable, such as PGPASSWORD=orders-readonly.password; repeatable',
      gather,
    )
    .option(
      '--file <name[.field]=path>',
      'lease it and write it (JSON), or one field as it is, to a new file that only you can read; written anew when the credential is replaced, removed at the end; repeatable',
      gather,
    )
    .option(
      '--on-rotate <what>',
      'when a credential was replaced before its lease could live no longer: `signal:HUP` tells the command that its files are new, `restart` ends it with SIGTERM and starts it again, `none` only writes the files (none)',
    )
    .option(
      '--overlap <seconds>',
      'how long a replaced credential still works; at most a third of the longest life of a lease (60)',
      parseSeconds,
    )
    .option(
      '--stop-timeout <seconds>',
      'for restart: how long the command may take to end before it is killed (10)',
      parseSeconds,
    )
    .option('--ttl <seconds>', 'time to live of each lease between renewals', parseSeconds)
    .option('--close-run', 'end the run when the command has ended')
    .option(
      '--keep-identity',
      'leave the platform token, run token and admin token in the environment of the command',
    );
}

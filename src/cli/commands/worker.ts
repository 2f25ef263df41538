import { Option, type Command } from 'commander';
import { parseSeconds, type CommandSet } from '../command-set.js';

/** `token`, `lease` and `run close`: what a worker does. */
export function defineWorkerCommands(set: CommandSet, program: Command): void {
  const token = set.group(program, 'token', 'the run token');
  set
    .leaf(
      token,
      'exchange',
      {
        summary: "exchange the platform's OIDC token for a run token",
        example: 'LEASEGATE_RUN_TOKEN=$(leasegate token exchange --run-id nightly-42 --step-id load --raw)',
      },
      async () => (await import('../actions/worker.js')).exchange,
    )
    .option('--raw', 'print the token alone')
    .option('--credential <name...>', 'narrow the token to these credentials')
    .option('--tool <name...>', 'narrow the token to these tools')
    .option('--proof', 'bind the token to a new key (DPoP) that ends with this command; to try it out');

  const lease = set.group(program, 'lease', 'credentials for this run');
  set
    .leaf(
      lease,
      'get <credential>',
      {
        summary: 'lease a credential and print it; the default command',
        example: 'leasegate lease orders-readonly --ttl 15m --format env',
        isDefault: true,
      },
      async () => (await import('../actions/worker.js')).leaseCredential,
    )
    .addOption(new Option('--format <format>', 'print only the credential').choices(['env', 'json']))
    .option(
      '--ttl <seconds>',
      "time to live: 900, 15m or 1h; the catalogue's default otherwise",
      parseSeconds,
    )
    .addOption(new Option('--delivery <way>', 'how it comes').choices(['inline', 'wrapped']));
  set
    .leaf(
      lease,
      'renew <lease>',
      {
        summary: 'renew a lease of this run',
        example: 'leasegate lease renew 0198c0de-0000-7000-8000-000000000000',
      },
      async () => (await import('../actions/worker.js')).renewLease,
    )
    .option('--ttl <seconds>', 'time to live from now', parseSeconds);
  set.leaf(
    lease,
    'release <lease>',
    {
      summary: 'end a lease of this run',
      example: 'leasegate lease release 0198c0de-0000-7000-8000-000000000000',
    },
    async () => (await import('../actions/worker.js')).releaseLease,
  );
}

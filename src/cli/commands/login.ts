import type { Command } from 'commander';
import { parseSeconds, type CommandSet } from '../command-set.js';

/** `login`, `logout` and `whoami`. */
export function defineLoginCommands(set: CommandSet, program: Command): void {
  set
    .leaf(
      program,
      'login',
      {
        summary: 'log in as an admin in the browser (authorization code with PKCE, loopback redirect)',
        example: 'leasegate login --url https://leasegate.example',
      },
      async () => (await import('../actions/login.js')).login,
    )
    .option('--issuer <name>', 'which of the issuers, when the broker takes admins from several')
    .option('--no-browser', 'only print the address')
    .option('--timeout <seconds>', 'how long to wait for the browser: 300, 5m', parseSeconds, 300);
  set.leaf(
    program,
    'logout',
    { summary: 'forget the token, and revoke it where the issuer can', example: 'leasegate logout' },
    async () => (await import('../actions/login.js')).logout,
  );
  set.leaf(
    program,
    'whoami',
    { summary: 'who the broker takes you for, and your roles', example: 'leasegate whoami --json' },
    async () => (await import('../actions/login.js')).whoami,
  );
}

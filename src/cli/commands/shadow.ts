import { Option, type Command } from 'commander';
import type { CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

/** `shadow …` and `egress …`: what goes around the gateway, and how to close it. */
export function defineShadowCommands(set: CommandSet, program: Command): void {
  const shadow = set.group(program, 'shadow', 'what goes around the gateway and the broker');
  set
    .leaf(
      shadow,
      'import <file>',
      {
        summary:
          'look through a log for managed hosts and credentials that were not used by us; - reads standard input',
        example: 'leasegate shadow import /var/log/squid/access.log --format squid',
      },
      async () => (await import('../actions/shadow.js')).importLog,
    )
    .addOption(
      new Option('--format <format>', 'what wrote the log')
        .choices(['squid', 'envoy-json', 'cilium-hubble', 'dns-dnsmasq', 'jsonl', 'vault-audit', 'postgres'])
        .makeOptionMandatory(),
    )
    .option('--device <name>', "audit device that wrote it (that of the broker's settings)")
    .option('--mount <mount>', 'database engine whose accounts log in there (any)');
  withPages(
    set.leaf(
      shadow,
      'list',
      {
        summary: 'list what reached managed hosts beside us',
        example: 'leasegate shadow list --host api.example.com',
      },
      async () => (await import('../actions/shadow.js')).list,
    ),
  )
    .option('--host <host>', 'only of this host')
    .option('--workload <subject>', 'only of this workload');

  const egress = set.group(program, 'egress', 'egress policies made from the tools');
  set
    .leaf(
      egress,
      'generate',
      {
        summary: 'print a policy that lets only the gateway reach the hosts of the tools',
        example: 'leasegate egress generate --for cilium > egress.yaml',
      },
      async () => (await import('../actions/shadow.js')).generate,
    )
    .addOption(
      new Option('--for <kind>', 'what the policy is for')
        .choices(['kubernetes', 'cilium', 'squid', 'nftables'])
        .makeOptionMandatory(),
    )
    .option('--namespace <name>', 'Kubernetes namespace of the broker (leasegate)')
    .option('--workers-namespace <name>', 'Kubernetes namespace of the workers (default)');
}

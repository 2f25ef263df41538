import type { ManagedHost } from '../managed-hosts.js';

/** What an egress policy is made of. */
export interface PolicyInput {
  /** In order of host. */
  readonly hosts: readonly ManagedHost[];
  /** Port on which workers reach the broker. */
  readonly brokerPort: number;
  /** Addresses and networks that brokers call from. */
  readonly brokerAddresses: readonly string[];
  /** Kubernetes namespace of the broker. */
  readonly namespace: string;
  /** Kubernetes namespace of the workers. */
  readonly workersNamespace: string;
}

/** Makes the text of a policy; the same input always gives the same text. */
export type PolicyWriter = (input: PolicyInput) => string;

/** The comment at the top of each policy; every line begins with `#` in all of these languages. */
export function heading(kind: string, { hosts }: PolicyInput, notes: readonly string[]): string {
  const managed = hosts.map(({ host, ports, tools }) => `  ${host} ${ports.join(',')} (${listed(tools)})`);
  return [
    `Made by \`leasegate egress generate --for ${kind}\` from the enabled tools; make it anew when they change.`,
    ...notes,
    ...(managed.length === 0
      ? ['There is no enabled tool.']
      : ['Managed hosts, ports and tools:', ...managed]),
  ]
    .map((line) => `# ${line}\n`)
    .join('');
}

function listed(tools: readonly string[]): string {
  return tools.length <= 5
    ? tools.join(', ')
    : `${tools.slice(0, 5).join(', ')} and ${tools.length - 5} more`;
}

/** Hosts that are called on the same ports, by those ports. */
export function byPorts(
  hosts: readonly ManagedHost[],
): readonly (readonly [ports: readonly number[], of: readonly ManagedHost[]])[] {
  const groups = new Map<string, ManagedHost[]>();
  for (const host of hosts) {
    const key = host.ports.join(',');
    groups.set(key, [...(groups.get(key) ?? []), host]);
  }
  return [...groups.values()].map((of) => [of[0]?.ports ?? [], of]);
}

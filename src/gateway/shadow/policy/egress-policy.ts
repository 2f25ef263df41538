import { Injectable } from '@nestjs/common';
import { Settings } from '../../../settings/schema.js';
import { ManagedHosts } from '../managed-hosts.js';
import { ciliumPolicy } from './cilium.js';
import { kubernetesPolicy } from './kubernetes.js';
import { nftablesPolicy } from './nftables.js';
import type { PolicyWriter } from './policy-input.js';
import { squidPolicy } from './squid.js';

/** What egress policies are written for. */
export const POLICY_WRITERS = {
  kubernetes: kubernetesPolicy,
  cilium: ciliumPolicy,
  squid: squidPolicy,
  nftables: nftablesPolicy,
} as const satisfies Record<string, PolicyWriter>;

export type PolicyKind = keyof typeof POLICY_WRITERS;
export const POLICY_KINDS = Object.keys(POLICY_WRITERS) as [PolicyKind, ...PolicyKind[]];

/** Writes policies that close the ways around the gateway, from the tools that there are. */
@Injectable()
export class EgressPolicy {
  constructor(
    private readonly settings: Settings,
    private readonly hosts: ManagedHosts,
  ) {}

  async write(
    kind: PolicyKind,
    where: { readonly namespace: string; readonly workersNamespace: string },
  ): Promise<string> {
    const { gateway, server } = this.settings.values;
    return POLICY_WRITERS[kind]({
      hosts: await this.hosts.all(),
      brokerPort: server.port,
      brokerAddresses: gateway.egressIdentities.addresses,
      ...where,
    });
  }
}

import { Injectable } from '@nestjs/common';
import { ToolCatalogue } from '../tool/tool-catalogue.js';
import type { ToolSpec } from '../tool/tool-spec.js';
import { hostField } from './format/host-field.js';

const PAGE = 500;

/** A host that only the gateway should reach. */
export interface ManagedHost {
  readonly host: string;
  /** Ascending. */
  readonly ports: readonly number[];
  /** The tools that call it may resolve it to private addresses. */
  readonly internal: boolean;
  /** In order of name. */
  readonly tools: readonly string[];
}

/** The hosts of all enabled tools: of their URLs, their redirects, and where their credentials get tokens. */
@Injectable()
export class ManagedHosts {
  constructor(private readonly tools: ToolCatalogue) {}

  /** In order of host. */
  async all(): Promise<readonly ManagedHost[]> {
    const specs: ToolSpec[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.tools.list({
        enabled: true,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      specs.push(...page.items.map(({ spec }) => spec));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return managedHosts(specs);
  }
}

/** The hosts of these tools, in order of host. */
export function managedHosts(specs: readonly ToolSpec[]): readonly ManagedHost[] {
  const hosts = new Map<string, { ports: Set<number>; internal: boolean; tools: Set<string> }>();
  for (const spec of specs) {
    for (const address of addressesOf(spec)) {
      const url = new URL(address.replace(/\{[^{}]*\}/g, 'x'));
      const host = hostField(url.hostname);
      if (host === undefined) continue;
      const known = hosts.get(host) ?? { ports: new Set(), internal: false, tools: new Set() };
      known.ports.add(url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port));
      known.internal ||= spec.internal;
      known.tools.add(spec.name);
      hosts.set(host, known);
    }
  }
  return [...hosts]
    .map(([host, { ports, internal, tools }]) => ({
      host,
      ports: [...ports].sort((a, b) => a - b),
      internal,
      tools: [...tools].sort(),
    }))
    .sort((a, b) => (a.host < b.host ? -1 : 1));
}

function addressesOf({ url, redirects, credential }: ToolSpec): string[] {
  const tokens = credential?.inject.as === 'oauth-client-credentials' ? [credential.inject.token_url] : [];
  return [url, ...redirects, ...tokens];
}

import { Secret } from '../../../../src/kernel/secret.js';
import type { OutboundRequest } from '../../../../src/gateway/destination/outbound-request.js';
import type { HeldCredential } from '../../../../src/gateway/inject/held-credential.js';
import { toolSpecSchema, type InjectSpec } from '../../../../src/gateway/tool/tool-spec.js';

/** The moment at which these tests happen: that of AWS's published examples. */
export const NOW = new Date('2015-08-30T12:36:00.000Z');

/** A credential with these fields, good for a minute. */
export function heldWith(data: Readonly<Record<string, unknown>>): HeldCredential {
  return { leaseId: 'lease-1', data: Secret.of(data), usableUntil: new Date(NOW.getTime() + 60_000) };
}

/** A request; a GET without headers unless told. */
export function outbound(url: string, change: Partial<OutboundRequest> = {}): OutboundRequest {
  return { method: 'GET', url: new URL(url), headers: {}, body: undefined, ...change };
}

/** A way of injecting as the catalogue keeps it, with its defaults filled in. */
export function way(inject: Readonly<Record<string, unknown>>): InjectSpec {
  const { credential } = toolSpecSchema.parse({
    name: 'sample',
    method: 'GET',
    url: 'https://api.example.com/',
    credential: { name: 'sample', inject },
  });
  if (credential === undefined) throw new Error('a sample without a credential');
  return credential.inject;
}

import type { LineReader } from '../egress-record.js';
import { readCiliumHubble } from './cilium-hubble.js';
import { readDnsmasq } from './dnsmasq.js';
import { readEnvoyJson } from './envoy-json.js';
import { readJsonl } from './jsonl.js';
import { readSquid } from './squid.js';

/** The formats of logs of what leaves a network, by name. */
export const EGRESS_READERS = {
  squid: readSquid,
  'envoy-json': readEnvoyJson,
  'cilium-hubble': readCiliumHubble,
  'dns-dnsmasq': readDnsmasq,
  jsonl: readJsonl,
} as const satisfies Record<string, LineReader>;

export type EgressFormat = keyof typeof EGRESS_READERS;
export const EGRESS_FORMATS = Object.keys(EGRESS_READERS) as [EgressFormat, ...EgressFormat[]];

import type { EgressRecord, ReadLine } from '../egress-record.js';
import { addressField, hostField, objectField, parseObject, textField, timeField } from './host-field.js';

const SERVICE_ACCOUNT = 'k8s:io.cilium.k8s.policy.serviceaccount=';
const K8S_NAME = /^[a-z0-9.-]{1,253}$/;

/**
 * Flows of Cilium as `hubble observe -o json` prints them (https://docs.cilium.io/en/stable/_api/v1/flow/README/).
 * Names of a destination are those that Cilium's DNS proxy saw; a DNS question is evidence of its own.
 */
export function readCiliumHubble(line: string): ReadLine {
  const entry = parseObject(line);
  if (entry === undefined) return 'unreadable';
  const flow = objectField(entry['flow']);
  if (flow === undefined) return entry['node_status'] || entry['lost_events'] ? 'other' : 'unreadable';
  const at = timeField(flow['time'] ?? entry['time']);
  if (at === undefined) return 'unreadable';
  if (flow['is_reply'] === true || flow['traffic_direction'] === 'INGRESS') return 'other';
  const dns = objectField(objectField(flow['l7'])?.['dns']);
  if (dns !== undefined && objectField(flow['l7'])?.['type'] === 'RESPONSE') return 'other';
  const names = flow['destination_names'];
  const named = dns === undefined ? (Array.isArray(names) ? (names[0] as unknown) : undefined) : dns['query'];
  const ip = objectField(flow['IP']);
  const host = hostField(named ?? ip?.['destination']);
  if (host === undefined) return 'other';
  return {
    at,
    host,
    evidence: dns === undefined ? 'connection' : 'dns',
    allowed: flow['verdict'] !== 'DROPPED' && flow['verdict'] !== 'ERROR',
    ...sourceOf(ip?.['source'], objectField(flow['source'])),
    count: 1,
  };
}

function sourceOf(
  address: unknown,
  source: Readonly<Record<string, unknown>> | undefined,
): Pick<EgressRecord, 'source' | 'serviceAccount' | 'pod'> {
  const from = addressField(address);
  const namespace = nameOf(source?.['namespace']);
  const pod = nameOf(source?.['pod_name']);
  const labels = Array.isArray(source?.['labels']) ? (source['labels'] as unknown[]) : [];
  const label = labels.find((each) => typeof each === 'string' && each.startsWith(SERVICE_ACCOUNT));
  const account = nameOf(typeof label === 'string' ? label.slice(SERVICE_ACCOUNT.length) : undefined);
  return {
    ...(from === undefined ? {} : { source: from }),
    ...(namespace === undefined || account === undefined
      ? {}
      : { serviceAccount: `${namespace}/${account}` }),
    ...(namespace === undefined || pod === undefined ? {} : { pod: `${namespace}/${pod}` }),
  };
}

function nameOf(value: unknown): string | undefined {
  const text = textField(value);
  return text !== undefined && K8S_NAME.test(text) ? text : undefined;
}

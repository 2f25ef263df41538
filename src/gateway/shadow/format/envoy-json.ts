import type { ReadLine } from '../egress-record.js';
import { addressField, hostField, objectField, parseObject, textField, timeField } from './host-field.js';

const SPIFFE_SERVICE_ACCOUNT = /^spiffe:\/\/[^/]+\/ns\/([a-z0-9.-]{1,253})\/sa\/([a-z0-9.-]{1,253})$/;

/**
 * Envoy's access log as JSON, with the names that Istio's default format gives
 * (https://istio.io/latest/docs/tasks/observability/logs/access-log/). The peer's SPIFFE id is read from
 * `downstream_peer_uri_san` where the format has it; who wrote `x-forwarded-for` is not believed.
 */
export function readEnvoyJson(line: string): ReadLine {
  const entry = parseObject(line);
  const at = timeField(entry?.['start_time']);
  if (entry === undefined || at === undefined) return 'unreadable';
  const name = textField(entry['requested_server_name']);
  // The name of the TLS handshake goes before the header: it is what was connected to.
  const host = hostField(name ?? entry['authority'] ?? objectField(entry['request'])?.['host']);
  if (host === undefined)
    return name === undefined && textField(entry['authority']) === undefined ? 'other' : 'unreadable';
  const source = addressField(entry['downstream_remote_address']);
  const [, namespace, account] = SPIFFE_SERVICE_ACCOUNT.exec(String(entry['downstream_peer_uri_san'])) ?? [];
  const flags = textField(entry['response_flags']) ?? '';
  return {
    at,
    host,
    evidence: entry['method'] === null || entry['method'] === undefined ? 'connection' : 'request',
    // Refused by policy, or no route for it: nothing went out (response flags RBAC, NR, UAEX).
    allowed:
      !/\b(NR|UAEX|RBAC)\b/.test(flags) && !/rbac_access_denied/.test(String(entry['response_code_details'])),
    ...(source === undefined ? {} : { source }),
    ...(namespace === undefined || account === undefined
      ? {}
      : { serviceAccount: `${namespace}/${account}` }),
    count: 1,
  };
}

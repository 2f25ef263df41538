import { addressField, objectField, parseObject, textField, timeField } from './format/host-field.js';

/** One request that Vault answered, as its audit device wrote it. */
export interface VaultRequest {
  readonly at: Date;
  /** Vault's id of the request; the same in its request and its response line. */
  readonly id: string;
  /** Such as `database/creds/orders`; without the namespace. */
  readonly path: string;
  readonly operation: string;
  /** Of the token: plain with `log_raw` or `hmac_accessor=false`, else `hmac-sha256:…`. */
  readonly accessor: string | undefined;
  readonly displayName: string | undefined;
  readonly source: string | undefined;
}

/**
 * Reads a line of a Vault or OpenBao audit device with `format=json`
 * (https://developer.hashicorp.com/vault/docs/audit). Only answers that succeeded count: a read that was refused, or
 * one whose outcome is not written yet, has not given anything away.
 */
export function readVaultAudit(line: string): VaultRequest | 'other' | 'unreadable' {
  const entry = parseObject(line);
  const request = objectField(entry?.['request']);
  const at = timeField(entry?.['time']);
  if (entry === undefined || request === undefined || at === undefined) return 'unreadable';
  if (entry['type'] !== 'response') return 'other';
  if (textField(entry['error']) !== undefined) return 'other';
  const id = textField(request['id']);
  const path = textField(request['path']);
  const operation = textField(request['operation']);
  if (id === undefined || path === undefined || operation === undefined) return 'unreadable';
  const accessor = objectField(entry['auth'])?.['accessor'] ?? request['client_token_accessor'];
  return {
    at,
    id,
    path: path.replace(/^\/+|\/+$/g, ''),
    operation,
    accessor: textField(accessor),
    displayName: textField(objectField(entry['auth'])?.['display_name']),
    source: addressField(request['remote_address']),
  };
}

import { isUuid } from '../../kernel/ids.js';
import { addressField, objectField, parseObject, textField, timeField } from './format/host-field.js';

/** One request that Vault answered, as its audit device wrote it. */
export interface VaultRequest {
  readonly at: Date;
  /** Vault's id of the request; the same in its request and its response line. */
  readonly id: string;
  /** Such as `database/creds/orders`; without the namespace. */
  readonly path: string;
  readonly operation: string;
  /** Whether Vault refused it, or failed: then nothing was given away. */
  readonly failed: boolean;
  /** Of the token: plain with `log_raw` or `hmac_accessor=false`, else `hmac-sha256:…`. */
  readonly accessor: string | undefined;
  readonly displayName: string | undefined;
  readonly source: string | undefined;
  /** The lease that the token says to be of. Whoever makes tokens may write it there: it is a hint and no proof. */
  readonly hintedLease: string | undefined;
  /** The token that an answer was wrapped into: its accessor and itself, each as the device writes it. */
  readonly wrappedInto: readonly string[];
  /** A token that the request names in its body, as unwrapping does. */
  readonly tokenNamed: string | undefined;
}

/**
 * Reads a line of a Vault or OpenBao audit device with `format=json`
 * (https://developer.hashicorp.com/vault/docs/audit). Only answers count: the outcome of a request is not written yet.
 */
export function readVaultAudit(line: string): VaultRequest | 'other' | 'unreadable' {
  const entry = parseObject(line);
  const request = objectField(entry?.['request']);
  const at = timeField(entry?.['time']);
  if (entry === undefined || request === undefined || at === undefined) return 'unreadable';
  if (entry['type'] !== 'response') return 'other';
  const id = textField(request['id']);
  const path = textField(request['path']);
  const operation = textField(request['operation']);
  if (id === undefined || path === undefined || operation === undefined) return 'unreadable';
  const auth = objectField(entry['auth']);
  const hint = objectField(auth?.['metadata'])?.['lease_id'];
  const wrap = objectField(objectField(entry['response'])?.['wrap_info']);
  return {
    at,
    id,
    path: path.replace(/^\/+|\/+$/g, ''),
    operation,
    failed: textField(entry['error']) !== undefined,
    accessor: textField(auth?.['accessor'] ?? request['client_token_accessor']),
    displayName: textField(auth?.['display_name']),
    source: addressField(request['remote_address']),
    hintedLease: typeof hint === 'string' && isUuid(hint) ? hint : undefined,
    wrappedInto: [wrap?.['accessor'], hashedOnly(wrap?.['token'])]
      .map(textField)
      .filter((text) => text !== undefined),
    tokenNamed: hashedOnly(objectField(request['data'])?.['token']),
  };
}

/** A token with `log_raw` stands there as it is, and must not be kept. */
function hashedOnly(value: unknown): string | undefined {
  return typeof value === 'string' && /^hmac-sha256:[0-9a-f]{64}$/.test(value) ? value : undefined;
}

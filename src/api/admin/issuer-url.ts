import type { IssuerRegistry } from '../../identity/issuer-registry.js';
import { BrokerError } from '../../kernel/broker-error.js';

/**
 * The `iss` of an issuer that is named or given by its URL. One that is configured no more is taken by its URL too: its
 * runs may still be open. Refuses with `request_invalid` what is neither.
 */
export function issuerUrlOf(issuers: IssuerRegistry, named: string): string {
  const known = issuers.byName(named) ?? issuers.byUrl(named);
  if (known !== undefined) return known.url;
  if (/^https?:\/\//.test(named)) return named;
  throw new BrokerError('request_invalid', { field: 'issuer', detail: 'no issuer of this name' });
}

import { BrokerError } from '../kernel/broker-error.js';

// NUL to US, and DEL: Vault refuses them, and proxies disagree about them.
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Joins parts to an API path below `/v1/`, each segment percent-encoded (RFC 3986 §2.1). A part may have slashes.
 * Empty segments, `.` and `..` are refused with `vault_refused`: a client, a proxy or Vault's own mux would resolve
 * them, and the request would end at a path that nobody decided on.
 */
export function vaultPath(...parts: readonly string[]): string {
  return parts
    .flatMap((part) => part.split('/'))
    .map((segment) => {
      if (segment === '' || segment === '.' || segment === '..' || CONTROL.test(segment)) {
        throw new BrokerError('vault_refused', {
          internal: 'a path for Vault has an empty segment, a dot segment or a control character',
        });
      }
      return encodeURIComponent(segment);
    })
    .join('/');
}

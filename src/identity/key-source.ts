import type { IssuerSettings } from '../settings/issuer-schema.js';
import type { GuardedFetch } from './guarded-fetch.js';
import { KeySet } from './key-set.js';

const MAX_DOCUMENT_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;

/**
 * Fetches the keys of an issuer from where its settings say. Throws when they cannot be had, or when the discovery
 * document (OpenID Connect Discovery §4.3) is of another issuer: `issuer` in it must be ours, byte for byte.
 */
export async function loadKeys(issuer: IssuerSettings, fetch: GuardedFetch): Promise<KeySet> {
  const limits = {
    allowPrivateAddress: issuer.allowPrivateAddress,
    maxBytes: MAX_DOCUMENT_BYTES,
    timeoutMs: TIMEOUT_MS,
  };
  switch (issuer.keys.from) {
    case 'inline':
      return KeySet.of(issuer.keys.jwks);
    case 'url':
      return KeySet.of(await fetch.json(issuer.keys.url, limits));
    case 'discovery': {
      const document = await fetch.json(discoveryUrl(issuer.url), limits);
      return KeySet.of(await fetch.json(keysUrl(document, issuer), limits));
    }
  }
}

function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

function keysUrl(document: unknown, issuer: IssuerSettings): string {
  const fields = typeof document === 'object' && document !== null ? document : {};
  if (!('issuer' in fields) || fields.issuer !== issuer.url) {
    throw new TypeError('the discovery document is of another issuer');
  }
  if (!('jwks_uri' in fields) || typeof fields.jwks_uri !== 'string') {
    throw new TypeError('the discovery document names no keys');
  }
  return fields.jwks_uri;
}

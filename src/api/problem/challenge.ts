import type { BrokerError } from '../../kernel/broker-error.js';

/**
 * The `WWW-Authenticate` of a 401 or of a role that is missing (RFC 6750 §3, RFC 9449 §7.1), which says where to
 * learn how to get a token (RFC 9728 §5.1); `undefined` for any other refusal.
 */
export function challengeOf(error: BrokerError, publicUrl: string, route = ''): string | undefined {
  const described = `${publicUrl.replace(/\/$/, '')}/.well-known/oauth-protected-resource`;
  // The MCP endpoint is a resource of its own: its clients compare the address that they called.
  const metadata = `resource_metadata="${described}${route === '/mcp' ? route : ''}"`;
  if (error.code === 'role_required')
    return `Bearer realm="leasegate", error="insufficient_scope", ${metadata}`;
  if (error.status !== 401) return undefined;
  if (error.code === 'authentication_required') return `Bearer realm="leasegate", ${metadata}`;
  if (error.code === 'proof_required' || error.code === 'proof_invalid')
    return `DPoP realm="leasegate", algs="ES256 EdDSA", error="invalid_dpop_proof", ${metadata}`;
  return `Bearer realm="leasegate", error="invalid_token", error_description="${error.code}", ${metadata}`;
}

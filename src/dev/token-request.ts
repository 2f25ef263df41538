import type { TokenShape } from './issuer-keys.js';

/** Has a running issuer make a token, from another process. */
export async function requestToken(
  issuerUrl: string,
  claims: Readonly<Record<string, unknown>>,
  shape: TokenShape = {},
): Promise<string> {
  const response = await fetch(`${issuerUrl}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      claims,
      audience: shape.audience,
      lifetime_seconds: shape.lifetimeSeconds,
      algorithm: shape.algorithm,
    }),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`the issuer made no token: ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}

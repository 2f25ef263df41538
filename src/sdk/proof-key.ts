import { createHash, randomUUID, webcrypto } from 'node:crypto';

type Base64Url = string;

/**
 * A key that run tokens are bound to (DPoP, RFC 9449): a token that leaks is of no use without it. ES256; the private
 * key cannot be exported and lives as long as the process.
 */
export class ProofKey {
  private constructor(
    private readonly privateKey: webcrypto.CryptoKey,
    private readonly publicJwk: Readonly<Record<'kty' | 'crv' | 'x' | 'y', string>>,
  ) {}

  /** Makes a new key pair. */
  static async generate(): Promise<ProofKey> {
    const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
      'verify',
    ]);
    const { x, y } = await webcrypto.subtle.exportKey('jwk', pair.publicKey);
    if (x === undefined || y === undefined)
      throw new Error('the platform exported a key without coordinates');
    return new ProofKey(pair.privateKey, { kty: 'EC', crv: 'P-256', x, y });
  }

  /** Thumbprint of the public key (RFC 7638), as in `cnf.jkt` of a bound token. */
  get thumbprint(): Base64Url {
    const { crv, kty, x, y } = this.publicJwk;
    return sha256(JSON.stringify({ crv, kty, x, y }));
  }

  /** A proof for one request; `accessToken` adds its hash (`ath`). Every attempt needs a proof of its own. */
  async proof(request: {
    readonly method: string;
    readonly url: URL;
    readonly nowMs: number;
    readonly accessToken?: string;
  }): Promise<string> {
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: this.publicJwk };
    const payload = {
      jti: randomUUID(),
      htm: request.method,
      htu: `${request.url.origin}${request.url.pathname}`,
      iat: Math.floor(request.nowMs / 1000),
      ...(request.accessToken !== undefined && { ath: sha256(request.accessToken) }),
    };
    const signed = `${encode(header)}.${encode(payload)}`;
    const signature = await webcrypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      this.privateKey,
      Buffer.from(signed),
    );
    return `${signed}.${Buffer.from(signature).toString('base64url')}`;
  }
}

function encode(part: object): Base64Url {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function sha256(text: string): Base64Url {
  return createHash('sha256').update(text).digest('base64url');
}

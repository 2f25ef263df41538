import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { addSeconds, epochSeconds, SystemClock } from '../kernel/clock.js';
import { RandomIds } from '../kernel/ids.js';
import { DEV_AUDIENCE } from './issuer-names.js';

/** What a development token is to look like, where it is not as usual. */
export interface TokenShape {
  /** {@link DEV_AUDIENCE} unless given. */
  readonly audience?: string | readonly string[];
  /** Seconds until `exp`; 600 unless given, negative for one that has expired. */
  readonly lifetimeSeconds?: number;
  readonly algorithm?: 'ES256' | 'RS256';
}

const clock = new SystemClock();
const ids = new RandomIds(clock);

/** The signing keys of a development issuer: made when it starts, gone when it ends. */
export class IssuerKeys {
  private constructor(
    private readonly keys: Readonly<Record<'ES256' | 'RS256', { kid: string; key: CryptoKey }>>,
    /** With the private parts, for the provider; it publishes the public ones. */
    readonly jwks: { readonly keys: readonly JWK[] },
  ) {}

  static async generate(): Promise<IssuerKeys> {
    const jwks: JWK[] = [];
    const make = async (alg: 'ES256' | 'RS256'): Promise<{ kid: string; key: CryptoKey }> => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true });
      const kid = `dev-${alg.toLowerCase()}-${ids.bytes(4).toString('hex')}`;
      jwks.push({ ...(await exportJWK(privateKey)), kid, alg, use: 'sig' });
      return { kid, key: privateKey };
    };
    return new IssuerKeys({ ES256: await make('ES256'), RS256: await make('RS256') }, { keys: jwks });
  }

  /** A token of a workload, as a platform would make it; claims given here win over the usual ones. */
  sign(issuer: string, claims: Readonly<Record<string, unknown>>, shape: TokenShape = {}): Promise<string> {
    const now = clock.now();
    const lifetimeSeconds = shape.lifetimeSeconds ?? 600;
    // One that has expired was valid before: its `iat` lies before its `exp`.
    const issuedAt = lifetimeSeconds > 0 ? now : addSeconds(now, lifetimeSeconds - 60);
    const { kid, key } = this.keys[shape.algorithm ?? 'ES256'];
    return new SignJWT({
      iss: issuer,
      aud: shape.audience === undefined ? DEV_AUDIENCE : [shape.audience].flat(),
      iat: epochSeconds(issuedAt),
      exp: epochSeconds(addSeconds(now, lifetimeSeconds)),
      jti: ids.uuid(),
      ...claims,
    })
      .setProtectedHeader({ alg: shape.algorithm ?? 'ES256', kid, typ: 'JWT' })
      .sign(key);
  }
}

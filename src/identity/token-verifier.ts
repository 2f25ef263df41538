import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { compactVerify } from 'jose';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import type { Secret } from '../kernel/secret.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';
import { CheckTrail, type TokenExplanation } from './check-trail.js';
import { CLAIM_CHECKS } from './claim-checks.js';
import { parseCompactToken, type CompactToken } from './compact-token.js';
import { DriftWatch } from './drift-watch.js';
import { IssuerKeys } from './issuer-keys.js';
import { IssuerQuota } from './issuer-quota.js';
import { IssuerRegistry } from './issuer-registry.js';
import { platformIdentity } from './presets.js';
import { readRegisteredClaims } from './registered-claims.js';
import { readHeader, type TokenHeader } from './token-header.js';
import type { TokenUse, VerifiedToken } from './verified-token.js';

/** Verifies OIDC tokens of configured issuers. Every refusal is a `BrokerError` whose detail has no value of the token. */
@Injectable()
export class TokenVerifier {
  constructor(
    private readonly registry: IssuerRegistry,
    private readonly keys: IssuerKeys,
    private readonly quota: IssuerQuota,
    private readonly drift: DriftWatch,
    private readonly clock: Clock,
  ) {}

  /** A token of which all checks pass, or the refusal of the first that does not. */
  async verify(raw: Secret, use: TokenUse): Promise<VerifiedToken> {
    const { token, issuer } = await this.#examine(raw, use, new CheckTrail('stop'));
    this.quota.take(issuer);
    if (use === 'workload') await this.drift.look(issuer, token.claims);
    return token;
  }

  /**
   * All checks with their results, for operators. Uses up nothing and echoes nothing of the token but what a failed
   * check is about. `token` is there only when every check passes.
   */
  async explain(raw: Secret, use: TokenUse): Promise<TokenExplanation> {
    const trail = new CheckTrail('continue');
    try {
      const { token } = await this.#examine(raw, use, trail);
      return { ok: trail.ok, checks: trail.checks, ...(trail.ok && { token }) };
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      return { ok: false, checks: trail.checks };
    }
  }

  async #examine(
    raw: Secret,
    use: TokenUse,
    trail: CheckTrail,
  ): Promise<{ token: VerifiedToken; issuer: IssuerSettings }> {
    const parts = await trail.need('form', () => parseCompactToken(raw.expose()));
    const issuer = await trail.need('issuer', () => this.#issuerOf(parts, use));
    const header = await trail.need('header', () => readHeader(parts.header, issuer));
    await trail.want('signature', () => this.#checkSignature(parts, header, issuer));
    const claims = await trail.need('claim types', () => readRegisteredClaims(parts.payload));
    const now = this.clock.now().getTime() / 1_000;
    for (const check of CLAIM_CHECKS) {
      await trail.want(check.name, () => check.run(claims, issuer, now));
    }
    const token: VerifiedToken = {
      issuerName: issuer.name,
      issuer: issuer.url,
      subject: claims.subject,
      audience: claims.audience,
      claims: Object.freeze(parts.payload),
      tokenHash: createHash('sha256').update(parts.signingInput).digest(),
      issuedAt: new Date(claims.issuedAt * 1_000),
      expiresAt: new Date(claims.expiresAt * 1_000),
      platform: platformIdentity(issuer.preset, parts.payload),
    };
    return { token, issuer };
  }

  /** The issuer is looked up before anything is fetched: an unknown one never makes us reach out. */
  #issuerOf(parts: CompactToken, use: TokenUse): IssuerSettings {
    const iss = parts.payload['iss'];
    if (typeof iss !== 'string') {
      throw new BrokerError('token_claim_type', { detail: 'The claim iss has to be a text.' });
    }
    const issuer = this.registry.byUrl(iss);
    if (issuer === undefined) {
      throw new BrokerError('issuer_unknown', { internal: `iss ${JSON.stringify(iss.slice(0, 256))}` });
    }
    if (!issuer.usableFor.includes(use)) {
      throw new BrokerError('issuer_unknown', { internal: `issuer ${issuer.name} is not usable for ${use}` });
    }
    return issuer;
  }

  async #checkSignature(parts: CompactToken, header: TokenHeader, issuer: IssuerSettings): Promise<void> {
    const key = await this.keys.keyFor(issuer, header.keyId, header.algorithm);
    try {
      await compactVerify(parts.text, key, { algorithms: [header.algorithm] });
    } catch {
      throw new BrokerError('token_signature_invalid', { internal: `issuer ${issuer.name}` });
    }
  }
}

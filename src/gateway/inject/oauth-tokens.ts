import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { BrokerError } from '../../kernel/broker-error.js';
import { addSeconds, Clock } from '../../kernel/clock.js';
import { Secret } from '../../kernel/secret.js';
import { textField, unusable, type CredentialFields } from './field.js';
import type { Addition } from './injected.js';
import type { Way } from './plain-secrets.js';
import { TokenEndpoint, type Reach } from './token-endpoint.js';

const REMEMBERED = 5_000;
/** A token is used until this long before its end, so that it is still good when the provider looks at it. */
const EARLY_SECONDS = 30;
/** What a server that says nothing about it is taken to mean. */
const USUAL_SECONDS = 300;
const LONGEST_SECONDS = 86_400;

// RFC 6750 §2.1: what stands after `Bearer`.
const tokenAnswer = z.object({
  access_token: z.string().regex(/^[A-Za-z0-9\-._~+/]+=*$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,10}$/)
        .transform(Number),
    ])
    .optional(),
});

interface Token {
  readonly token: Secret;
  readonly usableUntil: Date;
}

/** Access tokens by client credentials (RFC 6749 §4.4), remembered until shortly before their end. */
@Injectable()
export class OAuthTokens {
  readonly #tokens = new LRUCache<string, Token>({ max: REMEMBERED });
  readonly #asked = new Map<string, Promise<Token>>();

  constructor(
    private readonly endpoint: TokenEndpoint,
    private readonly clock: Clock,
  ) {}

  /**
   * A bearer token for the client that the credential names. Calls that ask at the same time wait for one request.
   * Fails with `credential_unusable` when the server refuses the client, and with the codes of {@link TokenEndpoint}.
   */
  async inject(
    spec: Way<'oauth-client-credentials'>,
    fields: CredentialFields,
    reach: Reach,
  ): Promise<Addition> {
    const id = textField(fields, spec.client_id_field);
    const secret = textField(fields, spec.client_secret_field);
    const key = keyOf([spec.token_url, spec.scope ?? '', spec.audience ?? '', id, secret]);
    const { token } = await this.token(key, () => this.ask(spec, id, secret, reach));
    return {
      headers: { authorization: `Bearer ${token.expose()}` },
      secrets: [token, Secret.of(secret)],
    };
  }

  private token(key: string, ask: () => Promise<Token>): Promise<Token> {
    const known = this.#tokens.get(key);
    if (known !== undefined && this.clock.now() < known.usableUntil) return Promise.resolve(known);
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const asking = ask()
      .then((token) => {
        this.#tokens.set(key, token);
        return token;
      })
      .finally(() => this.#asked.delete(key));
    this.#asked.set(key, asking);
    return asking;
  }

  private async ask(
    spec: Way<'oauth-client-credentials'>,
    id: string,
    secret: string,
    reach: Reach,
  ): Promise<Token> {
    const askedAt = this.clock.now();
    const { status, json } = await this.endpoint.post(
      new URL(spec.token_url),
      Secret.of(basicOf(id, secret)),
      {
        grant_type: 'client_credentials',
        ...(spec.scope !== undefined && { scope: spec.scope }),
        ...(spec.audience !== undefined && { audience: spec.audience }),
      },
      reach,
    );
    if (status === 400 || status === 401 || status === 403) throw unusable('its OAuth client was refused');
    const answer = tokenAnswer.safeParse(json.expose());
    if (status !== 200 || !answer.success)
      throw new BrokerError('upstream_response_refused', {
        detail: `the token endpoint answered ${status} without a usable bearer token`,
      });
    const { access_token: token, expires_in: seconds = USUAL_SECONDS } = answer.data;
    const life = Math.min(Math.max(seconds, 0), LONGEST_SECONDS) - EARLY_SECONDS;
    return { token: Secret.of(token), usableUntil: addSeconds(askedAt, life) };
  }
}

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. */
function basicOf(id: string, secret: string): string {
  const encoded = [id, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1));
  return Buffer.from(encoded.join(':'), 'utf8').toString('base64');
}

/** A digest, so that no secret is the key of a map. */
function keyOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

import type { Secret } from '../../kernel/secret.js';

/** How far a token endpoint may be from the open internet: as far as the tool itself. */
export interface Reach {
  readonly internal: boolean;
  /** PEM file that replaces the system CAs. */
  readonly caFile?: string | undefined;
}

/** What a token endpoint answered. */
export interface TokenAnswer {
  readonly status: number;
  /** The body, or undefined where it was no JSON; it has the token in it. */
  readonly json: Secret<unknown>;
}

/** Where OAuth tokens come from: a form over the same vetted way out that calls take. */
export abstract class TokenEndpoint {
  /**
   * Posts a form with the client in an `Authorization: Basic` header. Fails with the codes of a destination and
   * with `upstream_response_refused` when the answer is too long.
   */
  abstract post(
    url: URL,
    basic: Secret,
    form: Readonly<Record<string, string>>,
    reach: Reach,
  ): Promise<TokenAnswer>;
}

import { Injectable } from '@nestjs/common';
import type { InjectedRequest, OutboundRequest } from '../destination/outbound-request.js';
import type { InjectSpec } from '../tool/tool-spec.js';
import { awsSignature } from './aws-signature.js';
import { clientCertificate } from './client-certificate.js';
import { fieldsOf } from './field.js';
import type { HeldCredential } from './held-credential.js';
import { hmacSignature } from './hmac-signature.js';
import { injected, type Addition } from './injected.js';
import { OAuthTokens } from './oauth-tokens.js';
import { basic, bearer, header, query } from './plain-secrets.js';
import type { Reach } from './token-endpoint.js';

const OUTSIDE: Reach = { internal: false };

/** Puts credentials into requests: the one place where they are laid open. */
@Injectable()
export class Injection {
  readonly #remembered = new WeakMap<HeldCredential, WeakMap<InjectSpec, Addition>>();

  constructor(private readonly tokens: OAuthTokens) {}

  /**
   * The request with its credential, and every value that was put in or made with it. `reach` is for the token
   * endpoint of OAuth. Refuses with `credential_unusable` what has a field too few or one that cannot be sent.
   */
  async inject(
    request: OutboundRequest,
    spec: InjectSpec,
    held: HeldCredential,
    now: Date,
    reach: Reach = OUTSIDE,
  ): Promise<InjectedRequest> {
    return injected(request, await this.addition(request, spec, held, now, reach));
  }

  private async addition(
    request: OutboundRequest,
    spec: InjectSpec,
    held: HeldCredential,
    now: Date,
    reach: Reach,
  ): Promise<Addition> {
    const fields = fieldsOf(held, now);
    switch (spec.as) {
      case 'bearer':
        return this.once(held, spec, () => bearer(spec, fields));
      case 'basic':
        return this.once(held, spec, () => basic(spec, fields));
      case 'header':
        return this.once(held, spec, () => header(spec, fields));
      case 'query':
        return query(spec, fields, request);
      case 'aws-sigv4':
        return awsSignature(spec, fields, request, now);
      case 'hmac':
        return hmacSignature(spec, fields, request, now);
      case 'client-certificate':
        return clientCertificate(spec, fields);
      case 'oauth-client-credentials':
        return this.tokens.inject(spec, fields, reach);
    }
  }

  /** What does not depend on the request is made once, so that what searches for its secrets prepares once. */
  private once(held: HeldCredential, spec: InjectSpec, make: () => Addition): Addition {
    let bySpec = this.#remembered.get(held);
    if (bySpec === undefined) this.#remembered.set(held, (bySpec = new WeakMap()));
    let addition = bySpec.get(spec);
    if (addition === undefined) bySpec.set(spec, (addition = make()));
    return addition;
  }
}

import { Controller, Post, Req, Res } from '@nestjs/common';
import { z } from 'zod';
import { BrokerError } from '../../kernel/broker-error.js';
import { Settings } from '../../settings/schema.js';
import { ProofVerifier } from '../../identity/dpop.js';
import { Exchange } from '../../run/exchange.js';
import { Public } from '../access/access.js';
import { SenderProof } from '../access/sender-proof.js';
import { abortOnHangUp } from '../gateway/abort-on-hang-up.js';
import type { ApiReply, ApiRequest } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { ACCESS_TOKEN_TYPE, tokenForm, tokenRequestOf } from './token-form.js';

const tokenView = z
  .object({
    access_token: z.string(),
    issued_token_type: z.literal(ACCESS_TOKEN_TYPE),
    token_type: z.enum(['Bearer', 'DPoP']),
    expires_in: z.int(),
    scope: z.string(),
    run_id: z.string(),
    run_ref: z.uuid().describe('our id of the run'),
    step_id: z.string(),
    grant: z.string(),
  })
  .meta({ id: 'TokenView' });
type TokenView = z.output<typeof tokenView>;

/** Token exchange (RFC 8693): the platform's OIDC token for a run token. */
@Controller('oauth2')
export class TokenController {
  constructor(
    private readonly settings: Settings,
    private readonly exchange: Exchange,
    private readonly proofs: ProofVerifier,
    private readonly senderProof: SenderProof,
  ) {}

  @Post('token')
  @Public('the subject token is the authentication; clients are public and have no secret')
  @Documented({
    id: 'exchangeToken',
    tag: 'OAuth',
    summary: 'Exchange an OIDC token for a run token (RFC 8693)',
    description:
      'Client authentication is ignored. Errors are those of RFC 6749 §5.2, with a stable `code` and a `reference` beside them. What a second exchange of the same token does is the replay policy of its issuer; an idempotency key has no effect.',
    form: tokenForm,
    answer: tokenView,
    errors: [
      'unsupported_grant_type',
      'subject_token_type_refused',
      'target_refused',
      'scope_refused',
      'run_identity_missing',
      'run_identity_refused',
      'grant_not_found',
      'grant_ambiguous',
      'run_closed',
      'run_limit_reached',
      'token_expired',
      'token_replayed',
      'issuer_unknown',
      'issuer_unavailable',
      'share_exceeded',
      'overloaded',
    ],
  })
  async token(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply): Promise<TokenView> {
    const signal = abortOnHangUp(reply);
    const wanted = tokenRequestOf(
      request.body as URLSearchParams | null,
      this.settings.values.server.publicUrl,
    );
    const proofThumbprint = await this.proofOf(request);
    const made = await this.exchange.exchange({
      ...wanted,
      ...(proofThumbprint === undefined ? {} : { proofThumbprint }),
      requestId: request.id,
      signal,
    });
    request.circumstances.runRef = made.run.id;
    return {
      access_token: made.accessToken.expose(),
      issued_token_type: ACCESS_TOKEN_TYPE,
      token_type: made.tokenType,
      expires_in: made.expiresInSeconds,
      scope: made.scope,
      run_id: made.run.runId,
      run_ref: made.run.id,
      step_id: made.stepId,
      grant: made.grant.name,
    };
  }

  /** The key that the worker proves to hold (RFC 9449 §5), if it proves one. */
  private async proofOf(request: ApiRequest): Promise<string | undefined> {
    const proof = request.headers['dpop'];
    if (proof === undefined) {
      if (this.settings.values.runTokens.requireProof) throw new BrokerError('proof_required');
      return undefined;
    }
    if (typeof proof !== 'string')
      throw new BrokerError('proof_invalid', { detail: 'there is more than one proof' });
    const { keyThumbprint } = await this.proofs.verify(proof, {
      method: request.method,
      url: this.senderProof.urlOf(request),
    });
    return keyThumbprint;
  }
}

import { Injectable } from '@nestjs/common';
import { BrokerError } from '../../kernel/broker-error.js';
import { Secret } from '../../kernel/secret.js';
import { Settings } from '../../settings/schema.js';
import { ProofVerifier } from '../../identity/dpop.js';
import type { RunIdentity } from '../../identity/run-token.js';
import type { ApiRequest } from '../http/request.js';

/** Checks that who sends a key-bound run token holds the key (RFC 9449 §7). */
@Injectable()
export class SenderProof {
  constructor(
    private readonly settings: Settings,
    private readonly proofs: ProofVerifier,
  ) {}

  /** Refuses with `proof_required` or `proof_invalid`; a token that is bound to no key needs no proof. */
  async check(request: ApiRequest, identity: RunIdentity): Promise<void> {
    if (identity.keyThumbprint === undefined) return;
    const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ');
    const proof = request.headers['dpop'];
    // A bound token that is sent as Bearer is a stolen one (RFC 9449 §7.2).
    if (scheme.toLowerCase() !== 'dpop' || typeof proof !== 'string') throw new BrokerError('proof_required');
    const { keyThumbprint } = await this.proofs.verify(proof, {
      method: request.method,
      url: this.urlOf(request),
      accessToken: Secret.of(token),
    });
    if (keyThumbprint !== identity.keyThumbprint)
      throw new BrokerError('proof_invalid', {
        detail: 'is signed with another key than the token is bound to',
      });
  }

  /** The URL as the worker knows it: `htu` names our public address, whatever a proxy made of it. */
  urlOf(request: ApiRequest): string {
    const base = this.settings.values.server.publicUrl.replace(/\/$/, '');
    return `${base}${request.url.split('?', 1)[0] ?? ''}`;
  }
}

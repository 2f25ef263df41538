import { Injectable } from '@nestjs/common';
import type { RunIdentity } from '../../identity/run-token.js';
import type { ApiRequest } from '../http/request.js';
import { SenderProof } from './sender-proof.js';
import { Strategies } from './strategies.js';

/** Which run sends a request: passport's strategy `run-token`, then the proof of a token that is bound to a key. */
@Injectable()
export class RunAccess {
  constructor(
    private readonly strategies: Strategies,
    private readonly senderProof: SenderProof,
  ) {}

  /** Refuses with the codes of the strategy, with `proof_required` and with `proof_invalid`; records nothing. */
  async authenticate(request: ApiRequest): Promise<RunIdentity> {
    const identity = await this.strategies.authenticate<RunIdentity>('run-token', request);
    await this.senderProof.check(request, identity);
    return identity;
  }
}

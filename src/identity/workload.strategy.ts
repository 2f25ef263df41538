import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-custom';
import { Authentication } from './authentication.js';
import type { RequestWithHeaders } from './bearer.js';
import type { VerifiedToken } from './verified-token.js';

/** Passport strategy `workload`: the OIDC token of a platform, as `VerifiedToken` on the request. Refuses with `BrokerError`. */
@Injectable()
export class WorkloadStrategy extends PassportStrategy(Strategy, 'workload') {
  constructor(private readonly authentication: Authentication) {
    super();
  }

  /** Called by passport for each request. */
  validate(request: RequestWithHeaders): Promise<VerifiedToken> {
    return this.authentication.workload(request);
  }
}

import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-custom';
import { Authentication } from './authentication.js';
import type { RequestWithHeaders } from './bearer.js';
import type { RunIdentity } from './run-token.js';

/** Passport strategy `run-token`: a token of ours, as `RunIdentity`. Whoever guards a route with it asks for the DPoP
 * proof of a bound token. Refuses with `BrokerError`. */
@Injectable()
export class RunTokenStrategy extends PassportStrategy(Strategy, 'run-token') {
  constructor(private readonly authentication: Authentication) {
    super();
  }

  /** Called by passport for each request. */
  validate(request: RequestWithHeaders): Promise<RunIdentity> {
    return this.authentication.run(request);
  }
}

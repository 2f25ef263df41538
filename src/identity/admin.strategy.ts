import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-custom';
import { Authentication, type Admin } from './authentication.js';
import type { RequestWithHeaders } from './bearer.js';

/** Passport strategy `admin`: the OIDC token of a person or an automation, with its roles. Refuses with `BrokerError`. */
@Injectable()
export class AdminStrategy extends PassportStrategy(Strategy, 'admin') {
  constructor(private readonly authentication: Authentication) {
    super();
  }

  /** Called by passport for each request. */
  validate(request: RequestWithHeaders): Promise<Admin> {
    return this.authentication.admin(request);
  }
}

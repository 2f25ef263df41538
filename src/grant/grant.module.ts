import { Module } from '@nestjs/common';
import { ActiveGrants } from './active-grants.js';
import { GrantDecisions } from './decide.js';
import { GrantEndings } from './grant-endings.js';
import { GrantReview } from './grant-review.js';
import { Grants } from './grants.js';

/** Grants, and the decisions that they make. */
@Module({
  providers: [GrantReview, ActiveGrants, GrantEndings, Grants, GrantDecisions],
  exports: [Grants, GrantDecisions],
})
export class GrantModule {}

import { Module } from '@nestjs/common';
import type { EntityClass } from '../database/data-source.js';
import { ActiveGrants } from './active-grants.js';
import { GrantDecisions } from './decide.js';
import { GrantEndings } from './grant-endings.js';
import { GrantReview } from './grant-review.js';
import { Grants } from './grants.js';

/** Grants have no entities: their rows are read by plain SQL. */
export const GRANT_ENTITIES: readonly EntityClass[] = [];

/** Grants, and the decisions that they make. */
@Module({
  providers: [GrantReview, ActiveGrants, GrantEndings, Grants, GrantDecisions],
  exports: [Grants, GrantDecisions],
})
export class GrantModule {}

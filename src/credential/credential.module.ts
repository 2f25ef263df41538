import { Module } from '@nestjs/common';
import type { EntityClass } from '../database/data-source.js';
import { CredentialCatalogue } from './credential-catalogue.js';

/** The catalogue has no entities: its rows are read by plain SQL. */
export const CREDENTIAL_ENTITIES: readonly EntityClass[] = [];

/** The catalogue of credentials. */
@Module({ providers: [CredentialCatalogue], exports: [CredentialCatalogue] })
export class CredentialModule {}

import { Module } from '@nestjs/common';
import { CredentialCatalogue } from './credential-catalogue.js';

/** The catalogue of credentials. */
@Module({ providers: [CredentialCatalogue], exports: [CredentialCatalogue] })
export class CredentialModule {}

import { Controller, Get, Post, Query, Req } from '@nestjs/common';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { EgressFindings } from '../../gateway/shadow/egress-findings.js';
import { EgressImport } from '../../gateway/shadow/egress-import.js';
import { EGRESS_FORMATS } from '../../gateway/shadow/format/formats.js';
import { VaultImport } from '../../gateway/shadow/vault-import.js';
import { AccountImport } from '../../gateway/shadow/account-import.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { LOG_TYPE } from '../http/log-streams.js';
import type { ApiRequest } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { defined } from '../schema/defined.js';
import { filterText, pageOfViews, pageQuery } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import {
  egressFindingView,
  egressFindingViewOf,
  importView,
  importViewOf,
  type ShadowEgressView,
  type ShadowImportView,
} from './shadow-view.js';

const importQuery = z.strictObject({ format: z.enum(EGRESS_FORMATS).describe('what wrote the log') });
type ImportQuery = z.output<typeof importQuery>;

const findingsQuery = z.strictObject({
  host: filterText.optional(),
  workload: filterText.optional().describe("subject of the workload's tokens, or the user at a proxy"),
  ...pageQuery,
});
type FindingsQuery = z.output<typeof findingsQuery>;

const vaultQuery = z.strictObject({
  device: z
    .string()
    .regex(/^[\w-]{1,128}$/)
    .optional()
    .describe('path of the audit device that wrote it; that of `vaultAudit` unless given'),
});
type VaultQuery = z.output<typeof vaultQuery>;

const postgresQuery = z.strictObject({
  mount: filterText.optional().describe('only accounts of this database engine'),
});
type PostgresQuery = z.output<typeof postgresQuery>;

const SENT = `Send the log as ${LOG_TYPE}, at most 64 MiB at once. The same bytes again are counted once.`;

/** What goes around the gateway and the broker. */
@Controller('v1/shadow')
export class ShadowController {
  constructor(
    private readonly egress: EgressImport,
    private readonly vault: VaultImport,
    private readonly accounts: AccountImport,
    private readonly findings: EgressFindings,
  ) {}

  @Post('egress')
  @Roles('admin', 'operator')
  @Documented({
    id: 'importEgress',
    tag: 'Shadow calls',
    summary: 'Take a log of what leaves the network, and look for managed hosts that were not called by us',
    description: SENT,
    answer: importView,
    errors: ['media_type_unsupported', 'request_too_large'],
  })
  async importEgress(
    @Query({ schema: importQuery }) { format }: ImportQuery,
    @Req() request: ApiRequest,
    @CallerParam() caller: Caller,
  ): Promise<ShadowImportView> {
    return importViewOf(await this.egress.take(caller, format, logOf(request)));
  }

  @Post('vault-audit')
  @Roles('admin', 'operator')
  @Documented({
    id: 'importVaultAudit',
    tag: 'Shadow calls',
    summary:
      'Take the log of a Vault audit device: uses of leases, and managed credentials that were not read by us',
    description: SENT,
    answer: importView,
    errors: ['media_type_unsupported', 'request_too_large'],
  })
  async importVaultAudit(
    @Query({ schema: vaultQuery }) { device }: VaultQuery,
    @Req() request: ApiRequest,
    @CallerParam() caller: Caller,
  ): Promise<ShadowImportView> {
    return importViewOf(await this.vault.take(caller, logOf(request), device));
  }

  @Post('postgres-log')
  @Roles('admin', 'operator')
  @Documented({
    id: 'importPostgresLog',
    tag: 'Shadow calls',
    summary: 'Take the log of a PostgreSQL target, and record logins of the accounts of leases',
    description: SENT,
    answer: importView,
    errors: ['media_type_unsupported', 'request_too_large'],
  })
  async importPostgresLog(
    @Query({ schema: postgresQuery }) { mount }: PostgresQuery,
    @Req() request: ApiRequest,
    @CallerParam() caller: Caller,
  ): Promise<ShadowImportView> {
    return importViewOf(await this.accounts.take(caller, logOf(request), mount));
  }

  @Get('egress')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listShadowEgress',
    tag: 'Shadow calls',
    summary: 'List what reached managed hosts beside us: by day, host and workload, newest first',
    answer: pageOfViews(egressFindingView),
  })
  async list(@Query({ schema: findingsQuery }) query: FindingsQuery): Promise<PageView<ShadowEgressView>> {
    return pageView(await this.findings.list(defined(query)), egressFindingViewOf);
  }
}

function logOf({ body }: ApiRequest): Readable {
  if (body instanceof Readable) return body;
  throw new BrokerError('media_type_unsupported', { detail: `send the log as ${LOG_TYPE}` });
}

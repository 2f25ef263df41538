import { Controller, Get, Headers, Param, Query, Res, StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import { AuditQuery } from '../../audit/audit-query.js';
import { AuditReads } from '../../audit/audit-reads.js';
import { AuditExport } from '../../export/audit-export.js';
import type { ExportAbout } from '../../export/export-stream.js';
import { ExportManifests } from '../../export/export-manifests.js';
import { LogBundle } from '../../export/log-bundle.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { isUuid } from '../../kernel/ids.js';
import { Roles, WholeLog } from '../access/access.js';
import { AdminParam, CallerParam } from '../access/principal.js';
import type { AdminIdentity, ApiReply } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { filtersOf } from './audit-requests.js';
import { bundleQuery, exportQuery, rangeOf, type BundleQuery, type ExportQuery } from './export-requests.js';

const manifestView = z
  .object({
    index: z.int().describe('of the event `audit.export_finished`'),
    leaf: z.string().describe('its exact text: SHA-256, bytes, count, range and size of the log'),
    proof: z
      .string()
      .nullable()
      .describe('c2sp.org/tlog-proof@v1; null until a signed checkpoint covers the event'),
  })
  .meta({ id: 'ExportManifestView' });
type ManifestView = z.output<typeof manifestView>;

/** What the answer says of its file, besides its type. */
function describe(reply: ApiReply, about: ExportAbout): void {
  void reply
    .header('content-disposition', `attachment; filename="${about.fileName}"`)
    .header('leasegate-export-id', about.exportId)
    .header('leasegate-export-range', `${about.fromIndex}-${about.toIndex}`);
  if (about.archivedBefore !== undefined)
    void reply.header('leasegate-export-archived-before', String(about.archivedBefore));
}

/** Exports of the log, and what proves them. */
@Controller('v1/audit')
export class ExportController {
  constructor(
    private readonly exports: AuditExport,
    private readonly manifests: ExportManifests,
    private readonly bundles: LogBundle,
    private readonly reads: AuditReads,
    private readonly query: AuditQuery,
  ) {}

  @Get('export')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'exportEvents',
    tag: 'Audit',
    summary: 'Export the log, or a part of it, as a stream; itself recorded',
    description:
      '`Range: entries=FIRST-LAST` answers 206 with that part, which verifies by itself; with `If-Range` only while that is still the ' +
      '`ETag`, which is the origin of the log. The header `leasegate-export-id` ' +
      'names the export for its manifest. Without a range it begins with the first entry from which on nothing was archived, and ' +
      '`leasegate-export-archived-before` says so.',
    answer: { mediaType: 'application/x-ndjson' },
    errors: ['range_not_satisfiable', 'entries_archived', 'overloaded'],
  })
  async export(
    @Query({ schema: exportQuery }) query: ExportQuery,
    @Headers('range') range: string | undefined,
    @Headers('if-range') ifRange: string | undefined,
    @CallerParam() caller: Caller,
    @AdminParam() { auditReach }: AdminIdentity,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<StreamableFile> {
    const { origin, size } = await this.query.head();
    const etag = `"${origin}"`;
    // Entries never change within one origin: what was read before goes on with what is read now.
    const { fromIndex, toIndex, asked } = rangeOf(
      query,
      ifRange === undefined || ifRange === etag ? range : undefined,
    );
    if (asked && (fromIndex ?? 0) >= size) {
      void reply.header('content-range', `entries */${size}`);
      throw new BrokerError('range_not_satisfiable', { detail: `the log has ${size} entries` });
    }
    const filters = { ...filtersOf(query, auditReach), fromIndex, toIndex };
    const stream = await this.exports.stream(caller, filters, query.format, {
      compression: query.compression,
    });
    const { about } = stream;
    describe(reply, about);
    void reply.header('accept-ranges', 'entries').header('etag', etag);
    if (asked && about.toIndex > about.fromIndex) {
      void reply
        .status(206)
        .header('content-range', `entries ${about.fromIndex}-${about.toIndex - 1}/${about.logSize}`);
    }
    return new StreamableFile(stream, { type: about.contentType });
  }

  @Get('exports/:id/manifest')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'readExportManifest',
    tag: 'Audit',
    summary: 'Read what a finished export was, proved by the log',
    answer: manifestView,
    errors: ['not_found'],
  })
  async manifest(@Param('id') id: string): Promise<ManifestView> {
    const manifest = isUuid(id) ? await this.manifests.of(id) : undefined;
    if (manifest === undefined)
      throw new BrokerError('not_found', { detail: 'the log has no end of such an export yet' });
    return manifest;
  }

  @Get('events/:index/proof')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'readEventProof',
    tag: 'Audit',
    summary: 'Read the proof that an event is in the log (c2sp.org/tlog-proof@v1)',
    answer: { mediaType: 'text/plain' },
    errors: ['not_found'],
  })
  async proof(
    @Param('index') index: string,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<string> {
    const proof = /^\d{1,15}$/.test(index) ? await this.manifests.proof(Number(index)) : undefined;
    if (proof === undefined || proof === null)
      throw new BrokerError('not_found', { detail: 'no signed checkpoint covers such an event' });
    await this.reads.record(caller, 'proof', { index });
    void reply.type('text/plain; charset=utf-8');
    return proof;
  }

  @Get('bundle')
  @Roles('admin', 'auditor')
  @WholeLog()
  @Documented({
    id: 'bundleLog',
    tag: 'Audit',
    summary:
      'Bundle the signed log as public tools read it: checkpoint, keys, tiles and entries, in a tar file',
    description:
      'Everything up to the newest checkpoint that was not archived, or the entries of a range, with all tiles. Only for who ' +
      'may read everything.',
    answer: { mediaType: 'application/x-tar' },
    errors: ['not_found', 'entries_archived', 'overloaded'],
  })
  async bundle(
    @Query({ schema: bundleQuery }) query: BundleQuery,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<StreamableFile> {
    const stream = await this.bundles.stream(caller, {
      fromIndex: query.from_index,
      toIndex: query.to_index,
    });
    const { about } = stream;
    describe(reply, about);
    return new StreamableFile(stream, { type: about.contentType });
  }
}

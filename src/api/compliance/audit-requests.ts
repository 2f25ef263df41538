import { z } from 'zod';
import type { AuditFilters } from '../../audit/audit-filters.js';
import { EVENT_KINDS, type EventKind } from '../../audit/catalogue.js';
import { EXPORT_FORMATS } from '../../export/audit-export.js';
import { defined } from '../schema/defined.js';
import { filterText, pageQuery } from '../schema/fields.js';

const KINDS = Object.keys(EVENT_KINDS) as [EventKind, ...EventKind[]];
const kind = z.enum(KINDS);
const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .optional();
const index = z
  .string()
  .regex(/^\d{1,15}$/, 'is not an index')
  .transform(Number)
  .optional();

const filters = {
  kind: z
    .union([kind.transform((one) => [one]), z.array(kind).min(1).max(KINDS.length)])
    .optional()
    .describe('any of these; may be repeated'),
  outcome: z.enum(['success', 'refused', 'failure']).optional(),
  code: filterText.optional(),
  from: time.describe('not before'),
  to: time.describe('before'),
  run: filterText.optional().describe("the platform's run id"),
  run_ref: filterText.optional().describe('our id of the run'),
  step: filterText.optional(),
  grant: filterText.optional().describe('id or name'),
  lease: filterText.optional(),
  credential: filterText.optional(),
  tool: filterText.optional(),
  workload: filterText.optional().describe('subject of the workload'),
  actor: filterText.optional().describe('subject of who did it'),
  request: filterText.optional().describe('reference of a request'),
  account: filterText.optional().describe('a leased account, such as a database user: finds who held it'),
  from_index: index,
  to_index: index,
};

/** Which events, and which page. */
export const eventsQuery = z.strictObject({
  ...filters,
  order: z.enum(['newest', 'oldest']).optional().describe('`newest` first unless told'),
  ...pageQuery,
});
export type EventsQuery = z.output<typeof eventsQuery>;

/** Which events, and in which form. */
export const exportQuery = z.strictObject({
  ...filters,
  format: z.enum(EXPORT_FORMATS as [(typeof EXPORT_FORMATS)[number]]).default('jsonl'),
});
export type ExportQuery = z.output<typeof exportQuery>;

/** The filters of a query, as the log takes them. */
export function filtersOf(query: EventsQuery | ExportQuery): AuditFilters {
  return defined({
    kinds: query.kind,
    outcome: query.outcome,
    code: query.code,
    from: query.from,
    to: query.to,
    run: query.run,
    runRef: query.run_ref,
    step: query.step,
    grant: query.grant,
    lease: query.lease,
    credential: query.credential,
    tool: query.tool,
    workload: query.workload,
    actor: query.actor,
    request: query.request,
    account: query.account,
    fromIndex: query.from_index,
    toIndex: query.to_index,
  });
}

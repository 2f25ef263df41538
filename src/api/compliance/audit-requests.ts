import { z } from 'zod';
import type { AuditFilters } from '../../audit/audit-filters.js';
import type { AuditReach } from '../../audit/audit-reach.js';
import { EVENT_KINDS, type EventKind } from '../../audit/catalogue.js';
import { defined } from '../schema/defined.js';
import { filterText, pageQuery } from '../schema/fields.js';

const KINDS = Object.keys(EVENT_KINDS) as [EventKind, ...EventKind[]];
const kind = z.enum(KINDS);
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function secondsOf(text: string): number {
  return Number(text.slice(0, -1)) * (UNIT_SECONDS[text.slice(-1)] ?? 1);
}

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .optional();
const index = z
  .string()
  .regex(/^\d{1,15}$/, 'is not an index')
  .transform(Number)
  .optional();

const version = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'is not a version')
  .transform(Number)
  .optional();

/** What every read of the log may be narrowed by; all that is given must hold. */
export const auditFilters = {
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
  grant_version: version.describe('the version of the grant'),
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

type FiltersQuery = z.output<z.ZodObject<typeof auditFilters>>;

/** What is counted, and when counting may end. */
export const countQuery = z.strictObject({
  ...auditFilters,
  at_most: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'is not a number')
    .transform(Number)
    .refine((most) => most <= 10_000_000, 'is more than 10000000')
    .default(1_000_000)
    .describe('stop counting there'),
});
export type CountQuery = z.output<typeof countQuery>;

/** What is counted, and in which steps of time. */
export const histogramQuery = z.strictObject({
  ...auditFilters,
  interval: z
    .string()
    .regex(/^[1-9]\d{0,3}(?:s|m|h|d)$/, 'is not a length of time such as 30s, 5m, 1h or 1d')
    .transform(secondsOf)
    .optional()
    .describe('length of a step such as 30s, 5m, 1h or 1d; one that gives about 60 steps unless told'),
  by: z.enum(['kind', 'outcome']).optional().describe('count each apart'),
});
export type HistogramQuery = z.output<typeof histogramQuery>;

/** Which events, and which page. */
export const eventsQuery = z.strictObject({
  ...auditFilters,
  order: z.enum(['newest', 'oldest']).optional().describe('`newest` first unless told'),
  ...pageQuery,
});
export type EventsQuery = z.output<typeof eventsQuery>;

/** The filters of a query that a person makes, as the log takes them; `reach` is what that person may see at all. */
export function filtersOf(query: FiltersQuery, reach: AuditReach): AuditFilters {
  return defined({
    reach,
    kinds: query.kind,
    outcome: query.outcome,
    code: query.code,
    from: query.from,
    to: query.to,
    run: query.run,
    runRef: query.run_ref,
    step: query.step,
    grant: query.grant,
    grantVersion: query.grant_version,
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

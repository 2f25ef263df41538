import { z } from 'zod';
import { EVENT_KINDS, type EventKind } from '../../audit/catalogue.js';
import type { HoldSelector, LegalHold } from '../../audit/retention/legal-hold.js';
import type { LogPart, PartArchive } from '../../audit/retention/parts.js';
import { filterText, instant, uuid } from '../schema/fields.js';
import { instantOf, instantOrNull } from '../view/page-view.js';

const KINDS = Object.keys(EVENT_KINDS) as [EventKind, ...EventKind[]];
const time = z.iso.datetime({ offset: true });

const selector = {
  kinds: z.array(z.enum(KINDS)).min(1).optional().describe('any of these'),
  from: time.optional().describe('not before'),
  to: time.optional().describe('before'),
  run: filterText.optional().describe("the platform's run id"),
  run_ref: uuid.optional().describe('our id of the run'),
  grant: filterText.optional().describe('id or name'),
  lease: uuid.optional(),
  credential: filterText.optional(),
  tool: filterText.optional(),
  workload: filterText.optional().describe('subject of the workload'),
  actor: filterText.optional().describe('subject of who did it'),
};

/** A new hold. */
export const legalHoldBody = z
  .strictObject({
    selector: z
      .strictObject({
        ...selector,
        account: filterText.optional().describe('a leased account, such as a database user; kept as an HMAC'),
      })
      .refine((given) => Object.values(given).some((value) => value !== undefined), 'selects by nothing')
      .describe('all that is given must hold'),
    reason: z.string().min(1).max(500).describe('why; kept in the event'),
  })
  .meta({ id: 'LegalHoldBody' });
export type LegalHoldBody = z.output<typeof legalHoldBody>;

/** A hold in an answer. */
export const legalHoldView = z
  .object({
    id: uuid,
    selector: z.object({ ...selector, account_hmac: z.string().optional() }),
    reason: z.string(),
    placed_at: instant,
    placed_by: z.string(),
    lifted_at: instant.nullable(),
    lifted_by: z.string().nullable(),
    lifted_because: z.string().nullable(),
  })
  .meta({ id: 'LegalHoldView' });
export type LegalHoldView = z.output<typeof legalHoldView>;

const archiveView = z.object({
  class: z.string(),
  state: z
    .enum(['archived', 'removed', 'restored', 'destroyed'])
    .describe('`removed`: only in the file; `restored`: back from it for a while; `destroyed`: nowhere'),
  kinds: z.array(z.string()),
  entries: z.int(),
  first_at: instant,
  last_at: instant,
  file: z.string().nullable(),
  sha256: z.string().nullable(),
});

/** A part of the log in an answer. */
export const logPartView = z
  .object({
    from_index: z.int(),
    to_index: z.int().nullable().describe('without it; null while the part is open'),
    closed: z.boolean(),
    archives: z.array(archiveView).describe('what of it is not, or not only, in the database'),
  })
  .meta({ id: 'LogPartView' });
export type LogPartView = z.output<typeof logPartView>;

/** The selector of a body, as the log takes it. */
export function selectorOf({ selector: { run_ref, from, to, ...others } }: LegalHoldBody): HoldSelector {
  return {
    ...others,
    runRef: run_ref,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}

/** What callers see of a hold. */
export function legalHoldViewOf(hold: LegalHold): LegalHoldView {
  const { runRef, from, to, account, kinds, ...others } = hold.selector;
  return {
    id: hold.id,
    selector: {
      ...(others as LegalHoldView['selector']),
      ...(kinds && { kinds: [...kinds] as EventKind[] }),
      ...(runRef !== undefined && { run_ref: runRef }),
      ...(from !== undefined && { from: instantOf(from) }),
      ...(to !== undefined && { to: instantOf(to) }),
      ...(account !== undefined && { account_hmac: account }),
    },
    reason: hold.reason,
    placed_at: instantOf(hold.placedAt),
    placed_by: hold.placedBy,
    lifted_at: instantOrNull(hold.liftedAt),
    lifted_by: hold.liftedBy,
    lifted_because: hold.liftedBecause,
  };
}

/** What callers see of a part. */
export function logPartViewOf(part: LogPart): LogPartView {
  return {
    from_index: part.fromIndex,
    to_index: part.toIndex ?? null,
    closed: part.closed,
    archives: part.archives.map(archiveViewOf),
  };
}

function archiveViewOf(archive: PartArchive): z.output<typeof archiveView> {
  return {
    class: archive.class,
    state: archive.state,
    kinds: [...archive.kinds],
    entries: archive.entries,
    first_at: instantOf(archive.firstAt),
    last_at: instantOf(archive.lastAt),
    file: archive.file ?? null,
    sha256: archive.sha256 ?? null,
  };
}

import { z } from 'zod';
import type { HoldFilters } from '../../audit/held/hold.js';
import { defined } from '../schema/defined.js';
import { filterText, pageQuery } from '../schema/fields.js';

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .optional();

/** What was held, and when. */
export const heldQuery = z.strictObject({
  credential: filterText.optional().describe('name of a credential'),
  account: filterText.optional().describe('a database user'),
  accessor: filterText.optional().describe("accessor of a lease's token in Vault"),
  serial: filterText.optional().describe('serial number of a certificate, in hex'),
  lease: filterText.optional(),
  run_ref: filterText.optional().describe('our id of a run'),
  at: time.describe('held at this moment'),
  from: time.describe('held at some moment from this one on'),
  to: time.describe('held at some moment before this one'),
  ...pageQuery,
});
export type HeldQuery = z.output<typeof heldQuery>;

/** The query, as the log takes it. */
export function holdFiltersOf(query: HeldQuery): HoldFilters {
  const { run_ref: runRef, limit: _limit, cursor: _cursor, ...same } = query;
  return defined({ ...same, runRef });
}

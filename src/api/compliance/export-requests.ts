import { z } from 'zod';
import { COMPRESSIONS } from '../../export/compression.js';
import { EXPORT_FORMATS } from '../../export/formats.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { auditFilters } from './audit-requests.js';

const INDEX = /^\d{1,15}$/;

/** Which events, and in which form. */
export const exportQuery = z.strictObject({
  ...auditFilters,
  format: z.enum(EXPORT_FORMATS as [(typeof EXPORT_FORMATS)[number]]).default('jsonl'),
  compression: z.enum(COMPRESSIONS).optional().describe('of the file; of the pages inside a Parquet file'),
  after: z
    .string()
    .regex(INDEX, 'is not an index')
    .transform(Number)
    .optional()
    .describe('go on behind this index'),
});
export type ExportQuery = z.output<typeof exportQuery>;

/** Which entries a bundle has. */
export const bundleQuery = z.strictObject({
  from_index: auditFilters.from_index,
  to_index: auditFilters.to_index,
});
export type BundleQuery = z.output<typeof bundleQuery>;

/** Where an export begins and ends; `asked` says that a `Range` header did. */
export interface ExportRange {
  readonly fromIndex: number | undefined;
  readonly toIndex: number | undefined;
  readonly asked: boolean;
}

/**
 * The range that a query and a header `Range: entries=FIRST-LAST` (or `FIRST-`) name together. Other units are passed over,
 * as RFC 9110 §14.2 has it. Refuses with `request_invalid` what says two things.
 */
export function rangeOf(query: ExportQuery, header: string | undefined): ExportRange {
  const { from_index: fromIndex, to_index: toIndex, after } = query;
  if (after !== undefined && fromIndex !== undefined) invalid('after', 'stands beside from_index');
  const begin = after === undefined ? fromIndex : after + 1;
  if (header?.startsWith('entries=') !== true) return { fromIndex: begin, toIndex, asked: false };
  const [, first, last] = /^entries=(\d{1,15})-(\d{1,15})?$/.exec(header) ?? [];
  if (first === undefined) invalid('range', 'is not entries=FIRST-LAST or entries=FIRST-');
  if (begin !== undefined || (last !== undefined && toIndex !== undefined))
    invalid('range', 'stands beside from_index, to_index or after');
  const end = last === undefined ? toIndex : Number(last) + 1;
  if (end !== undefined && end < Number(first)) invalid('range', 'ends before it begins');
  return { fromIndex: Number(first), toIndex: end, asked: true };
}

function invalid(field: string, detail: string): never {
  throw new BrokerError('request_invalid', { field, detail });
}

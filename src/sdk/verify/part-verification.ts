import type { ExportVerification } from './export-verification.js';

/** What was found in one part of a log: an archive, or the span of a scheduled export. */
export interface PartVerification extends ExportVerification {
  /** The entries `[from, to)` that it is of; undefined where it does not say. */
  readonly span: { readonly from: number; readonly to: number } | undefined;
  /** Hex; of the tree before the part and after it, where its entries lead from one to the other. */
  readonly rootBefore: string | undefined;
  readonly rootAfter: string | undefined;
  /** It passed the size of the head that was expected, and was compared with it. */
  readonly compared: boolean;
}

/** What is known of a part that cannot be read. */
export const NO_PART: Pick<PartVerification, 'span' | 'rootBefore' | 'rootAfter' | 'compared'> = {
  span: undefined,
  rootBefore: undefined,
  rootAfter: undefined,
  compared: false,
};

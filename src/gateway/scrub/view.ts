import type { ByteText } from './byte-text.js';

/** Something written in something else, as it reads once decoded, and where each byte of it came from. */
export interface View {
  readonly content: ByteText;
  /** Where the writing of the byte at `at` begins in the source. */
  sourceStart(at: number): number;
  /** Where the writing of the bytes before `end` ends in the source. */
  sourceEnd(end: number): number;
}

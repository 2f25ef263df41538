import type { Detector } from '../tool/tool-spec.js';
import { byteClass, DIGITS, findRun, runEnd, UPPER } from './byte-class.js';
import type { ByteText } from './byte-text.js';
import { findCards, MIN_CARD_BYTES } from './detect/card.js';
import { findIbans } from './detect/iban.js';
import type { Emit } from './span.js';

/** What cards and IBANs are written with. */
const NUMBER = byteClass(`${DIGITS}${UPPER} -`);

/** Finds card numbers and IBANs in all runs of their characters that are long enough. */
export function walkNumbers(
  source: ByteText,
  from: number,
  to: number,
  detectors: ReadonlySet<Detector>,
  emit: Emit,
): void {
  const { bytes } = source;
  for (let at = findRun(bytes, from, to, NUMBER, MIN_CARD_BYTES); at >= 0;) {
    const end = runEnd(bytes, at, to, NUMBER);
    if (detectors.has('card')) findCards(source, at, end, emit);
    if (detectors.has('iban')) findIbans(source, at, end, emit);
    at = findRun(bytes, end, to, NUMBER, MIN_CARD_BYTES);
  }
}

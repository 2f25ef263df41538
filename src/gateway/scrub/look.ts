import { BrokerError } from '../../kernel/broker-error.js';
import type { ScrubMode } from '../tool/tool-spec.js';
import { ByteText } from './byte-text.js';
import { isText } from './content-type.js';
import type { Needles } from './needles.js';
import { redactJson, redactText, type JsonState } from './redact.js';
import { Scan, TooDeep, type Form } from './scan.js';
import type { ScrubPlan } from './scrub-plan.js';
import { CREDENTIAL, type Span } from './span.js';

/** The beginning of a body. */
export const AT_START: JsonState = { inString: false };

/** Everything that was found in a text. Throws `response_unreadable` for what is no text or is nested without end. */
export function lookThrough(plan: ScrubPlan, needles: Needles, bytes: Buffer, form: Form): readonly Span[] {
  if (!isText(bytes)) throw unreadable('The body is called text and has binary data in it.');
  return scan(plan, needles, bytes, form);
}

/** Everything that was found in a string as it reads, which may have any character in it. Throws as {@link lookThrough}. */
export function lookInString(plan: ScrubPlan, needles: Needles, bytes: Buffer): readonly Span[] {
  return scan(plan, needles, bytes, 'text');
}

function scan(plan: ScrubPlan, needles: Needles, bytes: Buffer, form: Form): readonly Span[] {
  try {
    return new Scan(plan, needles, bytes.length).run(ByteText.ofBytes(bytes), form);
  } catch (error) {
    if (error instanceof TooDeep) throw unreadable('The body is encoded in itself too many times.', error);
    throw error;
  }
}

/** Those of the places that a mode takes out: all of them, or in mode `report` the credential alone. */
export function toRedact(spans: readonly Span[], mode: ScrubMode): readonly Span[] {
  return mode === 'report' ? spans.filter(({ kind }) => kind === CREDENTIAL) : spans;
}

/** A text without what was found in it. The credential is gone from the result whatever its form was. */
export function redact(
  needles: Needles,
  bytes: Buffer,
  spans: readonly Span[],
  form: Form,
  state: JsonState = AT_START,
): Buffer {
  if (spans.length === 0) return bytes;
  const json = form === 'json' ? redactJson(bytes, spans, state) : undefined;
  // What is called JSON and is not cannot stay it.
  if (json === undefined || holdsSecret(needles, json)) return redactText(bytes, spans);
  return json;
}

/** A body that nothing can be said about. */
export function unreadable(detail: string, cause?: unknown): BrokerError {
  return new BrokerError('response_unreadable', { detail, cause });
}

function holdsSecret(needles: Needles, bytes: Buffer): boolean {
  let found = false;
  needles.search(ByteText.ofBytes(bytes), 0, bytes.length, () => {
    found = true;
  });
  return found;
}

import { Injectable } from '@nestjs/common';
import type { Secret } from '../../kernel/secret.js';
import type { ScrubMode } from '../tool/tool-spec.js';
import { ByteText } from './byte-text.js';
import { contentForm } from './content-type.js';
import type { Finding } from './finding.js';
import { FindingCounts } from './findings.js';
import { lookThrough, redact, toRedact, unreadable } from './look.js';
import { Needles } from './needles.js';
import type { Form } from './scan.js';
import type { ScrubPlan } from './scrub-plan.js';
import { BinaryPieces } from './stream/binary-pieces.js';
import { EventPieces } from './stream/event-pieces.js';
import { ScrubStream } from './stream/scrub-stream.js';
import { TextPieces } from './stream/text-pieces.js';

/** A body after it was looked through. */
export interface Scrubbed {
  /** What may be passed on; the very body that came in where nothing had to go. Empty when blocked. */
  readonly body: Buffer;
  readonly findings: readonly Finding[];
  /** Whether the body must not be passed on. */
  readonly blocked: boolean;
}

/**
 * Looks through what goes out and comes in for the injected credential, personal data, keys and a tool's patterns:
 * as they are, escaped, encoded, and nested in each other. Mode `redact` puts `[redacted:KIND]` in their place,
 * `block` refuses the whole, `report` counts them only; the credential itself is taken out in every mode.
 */
@Injectable()
export class Scrubber {
  /**
   * A whole body, its content encoding undone. Throws `response_unreadable` for what cannot be looked into unless the
   * plan allows it; even then a credential in it blocks it.
   */
  scrubBody(
    plan: ScrubPlan,
    secrets: readonly Secret[],
    body: Buffer,
    contentType: string,
    mode: ScrubMode,
  ): Scrubbed {
    if (body.length === 0) return { body, findings: [], blocked: false };
    const needles = Needles.of(secrets);
    const form = contentForm(contentType);
    if (form === 'unreadable') {
      if (!plan.allowUnreadable) throw unreadable('The content type is not one that can be looked into.');
      return scrubBinary(needles, body);
    }
    if (form === 'events') return scrubEvents(plan, needles, body, mode);
    return scrubText(plan, needles, body, form, mode);
  }

  /**
   * A stream that lets through what was looked through, holding back as little as it may. In mode `block` it ends
   * with `response_blocked`, and with `response_unreadable` where {@link scrubBody} would throw it.
   */
  scrubStream(
    plan: ScrubPlan,
    secrets: readonly Secret[],
    contentType: string,
    mode: ScrubMode,
  ): ScrubStream {
    const needles = Needles.of(secrets);
    const form = contentForm(contentType);
    if (form === 'unreadable') {
      if (!plan.allowUnreadable) throw unreadable('The content type is not one that can be looked into.');
      return new ScrubStream(new BinaryPieces(needles));
    }
    if (form === 'events') return new ScrubStream(new EventPieces(plan, needles, mode));
    return new ScrubStream(new TextPieces(plan, needles, form, mode));
  }
}

function scrubText(plan: ScrubPlan, needles: Needles, body: Buffer, form: Form, mode: ScrubMode): Scrubbed {
  const spans = lookThrough(plan, needles, body, form);
  if (spans.length === 0) return { body, findings: [], blocked: false };
  const counts = new FindingCounts();
  counts.add(spans);
  const findings = counts.list();
  if (mode === 'block') return { body: Buffer.alloc(0), findings, blocked: true };
  return { body: redact(needles, body, toRedact(spans, mode), form), findings, blocked: false };
}

/** A stream that has ended already; it is judged as a whole all the same. */
function scrubEvents(plan: ScrubPlan, needles: Needles, body: Buffer, mode: ScrubMode): Scrubbed {
  const events = new EventPieces(plan, needles, mode === 'block' ? 'redact' : mode);
  const clean = Buffer.concat([events.push(body), events.end()]);
  const findings = events.counts.list();
  if (findings.length === 0) return { body, findings, blocked: false };
  if (mode === 'block') return { body: Buffer.alloc(0), findings, blocked: true };
  return { body: clean.equals(body) ? body : clean, findings, blocked: false };
}

/** A marker would damage it, so the credential blocks it. */
function scrubBinary(needles: Needles, body: Buffer): Scrubbed {
  const counts = new FindingCounts();
  needles.search(ByteText.ofBytes(body), 0, body.length, () => counts.addCredential());
  const findings = counts.list();
  return findings.length === 0
    ? { body, findings, blocked: false }
    : { body: Buffer.alloc(0), findings, blocked: true };
}

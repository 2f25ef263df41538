import { BrokerError } from '../../../kernel/broker-error.js';
import type { ScrubMode } from '../../tool/tool-spec.js';
import { FindingCounts } from '../findings.js';
import { lookThrough, redact, toRedact } from '../look.js';
import type { Needles } from '../needles.js';
import type { Form } from '../scan.js';
import type { ScrubPlan } from '../scrub-plan.js';
import { blockedResponse, type PieceScrub } from './scrub-stream.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Longer than any event of an honest provider, images in base64 included. */
const LONGEST_EVENT_BYTES = 16_777_216;

/** Server-sent events (HTML Living Standard §9.2): each goes on as soon as its last line has come. */
export class EventPieces implements PieceScrub {
  readonly counts = new FindingCounts();
  #held: Buffer[] = [];
  #heldBytes = 0;
  #lineIsEmpty = true;
  #afterReturn = false;

  constructor(
    private readonly plan: ScrubPlan,
    private readonly needles: Needles,
    private readonly mode: ScrubMode,
  ) {}

  push(chunk: Buffer): Buffer {
    const clean: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      if (!this.#endsEvent(chunk[at] as number)) continue;
      clean.push(this.#scrub(this.#take(chunk.subarray(from, at + 1))));
      from = at + 1;
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from));
    return Buffer.concat(clean);
  }

  end(): Buffer {
    return this.#scrub(this.#take(Buffer.alloc(0)));
  }

  /** Whether this byte is the end of an empty line. */
  #endsEvent(byte: number): boolean {
    const follows = this.#afterReturn && byte === LINE_FEED;
    this.#afterReturn = byte === CARRIAGE_RETURN;
    // The second half of CR LF says nothing new.
    if (follows) return false;
    const ends = byte === LINE_FEED || byte === CARRIAGE_RETURN;
    const empty = ends && this.#lineIsEmpty;
    this.#lineIsEmpty = ends;
    return empty;
  }

  #hold(part: Buffer): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > LONGEST_EVENT_BYTES)
      throw new BrokerError('upstream_response_refused', { detail: 'An event of the stream has no end.' });
    this.#held.push(Buffer.from(part));
  }

  #take(last: Buffer): Buffer {
    const event = this.#held.length === 0 ? last : Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    return event;
  }

  #scrub(event: Buffer): Buffer {
    if (event.length === 0) return event;
    const lines = event.toString('latin1').split(/(\r\n|\n|\r)/);
    const data = lines.filter(isData).map(valueOf);
    const others = lines.filter((line) => !isData(line)).join('');
    const cleanOthers = this.#clean(others, 'text');
    const payload = data.join('\n');
    const cleanPayload = this.#clean(payload, /^[\s]*[{["]/.test(payload) ? 'json' : 'text');
    if (cleanOthers === others && cleanPayload === payload) return event;
    return Buffer.from(
      rebuilt(lines, cleanOthers === others ? undefined : cleanOthers, cleanPayload),
      'latin1',
    );
  }

  #clean(text: string, form: Form): string {
    if (text === '') return text;
    const bytes = Buffer.from(text, 'latin1');
    const spans = lookThrough(this.plan, this.needles, bytes, form);
    this.counts.add(spans);
    if (this.mode === 'block' && spans.length > 0) throw blockedResponse();
    const clean = redact(this.needles, bytes, toRedact(spans, this.mode), form);
    return clean === bytes ? text : clean.toString('latin1');
  }
}

function isData(line: string): boolean {
  return line === 'data' || line.startsWith('data:');
}

function valueOf(line: string): string {
  return line.replace(/^data(?:: ?)?/, '');
}

/** The event with other data in place of its first data line; the others of them are gone. */
function rebuilt(lines: readonly string[], others: string | undefined, payload: string): string {
  const end = lines.find((line) => /^[\r\n]+$/.test(line)) ?? '\n';
  const data = payload
    .split('\n')
    .map((line) => `data: ${line}${end}`)
    .join('');
  if (others !== undefined)
    return `${others.replace(/[\r\n]+$/, '')}${others.trim() === '' ? '' : end}${data}${end}`;
  let result = '';
  let placed = false;
  for (let index = 0; index < lines.length; index += 2) {
    const line = lines[index] as string;
    if (!isData(line)) result += line + (lines[index + 1] ?? '');
    else if (!placed) {
      result += data;
      placed = true;
    }
  }
  return result;
}

import { leafHash } from '../tlog/hash.js';
import { readEvent } from '../audit/stored-event.js';

/** One entry of the log on its way to a receiver. */
export interface SinkEvent {
  readonly index: number;
  /** The event's own id, the same in every attempt; of an unreadable leaf its hash. */
  readonly id: string;
  readonly kind: string;
  /** ISO 8601; undefined when the leaf has none. */
  readonly time: string | undefined;
  readonly outcome: string;
  /** The exact bytes that the tree was built of. */
  readonly leaf: Buffer;
  /** Hex. */
  readonly leafHash: string;
  /** What the leaf says; undefined when it is no JSON object. */
  readonly event: Readonly<Record<string, unknown>> | undefined;
}

/** An entry as receivers are sent it. Never throws: nothing in a leaf may stop a sink. */
export function sinkEventOf(index: number, leaf: Buffer): SinkEvent {
  const event = readEvent(leaf);
  const hash = leafHash(leaf).toString('hex');
  const time = text(event?.['time']);
  return {
    index,
    id: text(event?.['id']) ?? hash,
    kind: text(event?.['kind']) ?? 'unreadable',
    time: time !== undefined && !Number.isNaN(Date.parse(time)) ? new Date(time).toISOString() : undefined,
    outcome: text(event?.['outcome']) ?? 'unreadable',
    leaf,
    leafHash: hash,
    event,
  };
}

/** What the envelope says besides its id, kind and time: the same short names for every receiver. */
export function labelsOf({ event, outcome }: SinkEvent): Readonly<Record<string, string>> {
  const run = member(event?.['run']);
  const actor = member(event?.['actor']);
  const found: Record<string, string | undefined> = {
    outcome,
    code: text(event?.['code']),
    run: text(run?.['run_id']),
    step: text(event?.['step_id']),
    grant: text(member(event?.['grant'])?.['id']),
    lease: text(event?.['lease_id']),
    credential: text(event?.['credential']),
    tool: text(member(event?.['tool'])?.['name']),
    workload: text(member(event?.['workload'])?.['subject']),
    actor: text(actor?.['subject']) ?? text(actor?.['name']),
    request: text(event?.['request_id']),
  };
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function member(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

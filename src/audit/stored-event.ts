import { isUuid } from '../kernel/ids.js';

/**
 * The longest text in a search column. An index entry of PostgreSQL takes some 2,700 bytes, and a longer value would
 * make the insert fail: one oversize event, and nothing would be sequenced any more.
 */
export const MAX_COLUMN_CHARS = 512;

/** What a leaf says of itself in the columns that are searched; the leaf alone is what counts. */
export interface EventColumns {
  readonly kind: string;
  /** ISO 8601; undefined when the leaf has no valid time. */
  readonly occurredAt: string | undefined;
  readonly outcome: string;
  readonly code: string | null;
  readonly actorIssuer: string | null;
  readonly actorSubject: string | null;
  readonly workloadIssuer: string | null;
  readonly workloadSubject: string | null;
  readonly grantId: string | null;
  /** Not searched by: the id is. */
  readonly grantName: string | null;
  readonly grantVersion: number | null;
  readonly runRef: string | null;
  readonly runId: string | null;
  readonly stepId: string | null;
  readonly leaseId: string | null;
  readonly credential: string | null;
  readonly tool: string | null;
  readonly requestId: string | null;
  readonly accountHmac: string | null;
}

/** The event in a leaf; undefined when it is no JSON object. */
export function readEvent(leaf: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    return member(JSON.parse(leaf.toString('utf8')));
  } catch {
    return undefined;
  }
}

/**
 * The search columns of a leaf. Never throws, and never yields a value that PostgreSQL refuses: whatever is in the
 * inbox has to reach the log, or everything behind it would wait for ever.
 */
export function columnsOf(leaf: Buffer): EventColumns {
  return columnsOfEvent(readEvent(leaf) ?? {});
}

/** The same of an event that was read. */
export function columnsOfEvent(event: Readonly<Record<string, unknown>>): EventColumns {
  const actor = member(event['actor']);
  const workload = member(event['workload']);
  const grant = member(event['grant']);
  const run = member(event['run']);
  const kind = searchText(event['kind']);
  return {
    kind: kind ?? 'unreadable',
    occurredAt: timeOf(event['time']),
    outcome: searchText(event['outcome']) ?? 'unreadable',
    code: searchText(event['code']),
    actorIssuer: searchText(actor?.['issuer']),
    actorSubject: searchText(actorName(actor)),
    workloadIssuer: searchText(workload?.['issuer']),
    workloadSubject: searchText(workload?.['subject']),
    grantId: uuidOf(grant?.['id']),
    grantName: searchText(grant?.['name']),
    grantVersion: versionOf(grant?.['version']),
    runRef: uuidOf(run?.['ref']),
    runId: searchText(run?.['run_id']),
    stepId: searchText(event['step_id']),
    leaseId: uuidOf(event['lease_id']),
    credential: searchText(event['credential']),
    tool: searchText(member(event['tool'])?.['name']),
    requestId: searchText(event['request_id']),
    accountHmac: kind === 'lease.issued' ? searchText(member(event['data'])?.['account']) : null,
  };
}

/** Text as it stands in a search column: clipped, and without the character that PostgreSQL has no text for. */
export function searchText(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  // By characters as PostgreSQL counts them, which also never leaves half of one.
  const clipped = value.length > MAX_COLUMN_CHARS ? [...value].slice(0, MAX_COLUMN_CHARS).join('') : value;
  return clipped.replaceAll('\0', '\uFFFD');
}

/** Work of the broker itself has a name and no subject: `system:NAME`. Nobody else can have that with no issuer. */
export function actorName(actor: Readonly<Record<string, unknown>> | undefined): unknown {
  if (actor?.['type'] === 'system') return `system:${String(actor['name'])}`;
  return actor?.['type'] === 'anonymous' ? 'anonymous' : actor?.['subject'];
}

function member(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** The id in a column of ids; null where it is none. */
export function uuidOf(value: unknown): string | null {
  return typeof value === 'string' && isUuid(value) ? value : null;
}

/** The version in a column of versions; null where it is none that fits. */
export function versionOf(value: unknown): number | null {
  return Number.isInteger(value) && Math.abs(value as number) < 2 ** 31 ? (value as number) : null;
}

function timeOf(value: unknown): string | undefined {
  const time = typeof value === 'string' ? new Date(value) : undefined;
  if (time === undefined || Number.isNaN(time.getTime())) return undefined;
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999 ? time.toISOString() : undefined;
}

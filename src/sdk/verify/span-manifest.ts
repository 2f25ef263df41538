import { exportEventOf, type ProvedEvent } from './manifest-event.js';

const FILE = /^[^/\\]+$/;
const HASH = /^[0-9a-f]{64}$/;

/** What the folder of a scheduled export says of itself. */
export interface SpanManifest {
  readonly schedule: string;
  /** Name of the file beside it. */
  readonly file: string;
  readonly format: string;
  readonly origin: string;
  readonly from_index: number;
  readonly to_index: number;
  readonly filtered: boolean;
  readonly count: number;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly event: ProvedEvent;
  /** Members of which the event has to say the same, and which it does not. */
  readonly differs: readonly string[];
}

/** What both say, an absent member of the event being null in the manifest. */
const SHARED =
  'schedule,export_id,format,compression,from_index,to_index,filtered,count,bytes,sha256,archived_before';

/** Whether a text claims to be such a manifest, of whichever version. */
export function isSpanManifest(text: string | undefined): boolean {
  return membersOf(text)?.['leasegate_manifest'] !== undefined;
}

/** The manifest that a text is; undefined when it is none that this version can read. */
export function spanManifestOf(text: string | undefined): SpanManifest | undefined {
  const members = membersOf(text);
  const event = exportEventOf(members?.['event']);
  if (members === undefined || event === undefined || members['leasegate_manifest'] !== 1) return undefined;
  const { schedule, file, format, origin, from_index, to_index, filtered, count, bytes, sha256 } = members;
  if (
    typeof schedule !== 'string' ||
    !isMatch(FILE, file) ||
    typeof format !== 'string' ||
    typeof origin !== 'string' ||
    typeof filtered !== 'boolean' ||
    !isMatch(HASH, sha256) ||
    !isIndex(from_index) ||
    !isIndex(to_index) ||
    !isIndex(count) ||
    !isIndex(bytes) ||
    from_index >= to_index
  )
    return undefined;
  const differs = SHARED.split(',').filter((name) => (members[name] ?? null) !== (event.facts[name] ?? null));
  return {
    schedule,
    file,
    format,
    origin,
    from_index,
    to_index,
    filtered,
    count,
    bytes,
    sha256,
    event,
    differs,
  };
}

function membersOf(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isMatch(pattern: RegExp, value: unknown): value is string {
  return typeof value === 'string' && pattern.test(value) && value !== '..' && value !== '.';
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

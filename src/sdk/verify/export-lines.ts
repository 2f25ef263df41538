/** Longer than any line can be: a leaf has at most 65,535 bytes, and JSON writes a byte with at most six. */
export const MAX_LINE_BYTES = 512 * 1024;
const HASH = /^[0-9a-f]{64}$/;
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The first line of an export. */
export interface Header {
  readonly origin: string;
  readonly from_index: number;
  readonly size: number;
  /** Hex. */
  readonly left: readonly string[];
  /** A signed note. */
  readonly checkpoint: string | null;
  readonly filtered: boolean;
}

/** A line between the first and the last. */
export interface Entry {
  readonly index: number;
  readonly leaf: string;
  readonly leaf_hash: string;
  /** A https://c2sp.org/tlog-proof, in filtered exports of a signed log; null where the checkpoint does not reach. */
  readonly proof?: string | null;
}

/** The last line of an export. */
export interface End {
  readonly count: number;
  readonly root_hash: string;
  /** Hex. */
  readonly right: readonly string[];
  readonly content_hash: string;
}

/** A JSON object. */
export type Members = Readonly<Record<string, unknown>>;

/** A line as it stands in the file: `text` is undefined when it is no UTF-8 or too long. */
export interface Line {
  readonly bytes: Buffer;
  readonly text: string | undefined;
  /** It ended with a line feed. */
  readonly ended: boolean;
}

/** The header that a line is; undefined when it is none that this version can read. */
export function headerOf(members: Members | undefined): Header | undefined {
  if (!hasNames(members, 'leasegate_export,origin,from_index,size,left,checkpoint,filtered'))
    return undefined;
  const { leasegate_export: version, origin, from_index, size, left, checkpoint, filtered } = members;
  return version === 2 &&
    typeof origin === 'string' &&
    isIndex(from_index) &&
    isIndex(size) &&
    isHashes(left) &&
    (checkpoint === null || typeof checkpoint === 'string') &&
    typeof filtered === 'boolean'
    ? { origin, from_index, size, left, checkpoint, filtered }
    : undefined;
}

/** The entry that a line is; undefined when it is none. */
export function entryOf(members: Members | undefined): Entry | undefined {
  if (hasNames(members, 'index,leaf,leaf_hash')) {
    const { index, leaf, leaf_hash } = members;
    return isIndex(index) && typeof leaf === 'string' && isHash(leaf_hash)
      ? { index, leaf, leaf_hash }
      : undefined;
  }
  if (!hasNames(members, 'index,leaf,leaf_hash,proof')) return undefined;
  const { index, leaf, leaf_hash, proof } = members;
  return isIndex(index) &&
    typeof leaf === 'string' &&
    isHash(leaf_hash) &&
    (proof === null || typeof proof === 'string')
    ? { index, leaf, leaf_hash, proof }
    : undefined;
}

/** The end of an export that a line is; undefined when it is none. */
export function endOf(members: Members | undefined): End | undefined {
  if (!hasNames(members, 'count,root_hash,right,content_hash')) return undefined;
  const { count, root_hash, right, content_hash } = members;
  return isIndex(count) && isHash(root_hash) && isHashes(right) && isHash(content_hash)
    ? { count, root_hash, right, content_hash }
    : undefined;
}

function hasNames(members: Members | undefined, names: string): members is Members {
  return members !== undefined && Object.keys(members).join() === names;
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value);
}

function isHashes(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 128 && value.every(isHash);
}

/** Whether text is the one canonical form of its value (RFC 8785). */
export function isCanonical(text: string): boolean {
  try {
    return canonical(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

// RFC 8785 takes numbers and strings as ECMAScript writes them, and sorts names by UTF-16 units, as `sort` does.
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = value as Members;
  return `{${Object.keys(members)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(members[name])}`)
    .join()}}`;
}

/** A line without its line feed. */
export function lineOf(bytes: Buffer, ended: boolean): Line {
  if (bytes.length > MAX_LINE_BYTES) return { bytes, text: undefined, ended };
  try {
    return { bytes, text: DECODER.decode(bytes), ended };
  } catch {
    return { bytes, text: undefined, ended };
  }
}

/** A place where something was found: bytes `start` to `end`, the latter excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
}

/** Takes what was found; the same place may be reported more than once, and by several kinds. */
export type Emit = (start: number, end: number, kind: string) => void;

/** What the credential that was injected is called. */
export const CREDENTIAL = 'credential';

/** Puts places in order and joins those that overlap; a joined one is called by its gravest kind. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: Span[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) {
      merged.push(span);
      continue;
    }
    merged[merged.length - 1] = {
      start: last.start,
      end: Math.max(last.end, span.end),
      kind: gravity(span.kind) > gravity(last.kind) ? span.kind : last.kind,
    };
  }
  return merged;
}

/** What stands in a place where something was found. */
export function marker(kind: string): string {
  return `[redacted:${kind}]`;
}

function gravity(kind: string): number {
  if (kind === CREDENTIAL) return 5;
  if (kind.startsWith('key/')) return 4;
  if (kind.startsWith('pattern/')) return 3;
  return kind === 'email' ? 1 : 2;
}

/** Collects places; one that goes on in the one before is joined to it, so that a long row of them stays small. */
export class SpanList {
  readonly list: Span[] = [];
  readonly emit: Emit = (start, end, kind) => {
    const last = this.list.at(-1);
    if (last !== undefined && last.kind === kind && start >= last.start && start < last.end) {
      if (end > last.end) this.list[this.list.length - 1] = { start: last.start, end, kind };
      return;
    }
    this.list.push({ start, end, kind });
  };
}

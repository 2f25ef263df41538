import { createHash } from 'node:crypto';
import type { ExportedEntry, ExportScope, ExportWriter, WrittenEntries } from './export-format.js';

/**
 * The authoritative form: JSON Lines that `leasegate audit verify` checks offline.
 *
 * First line `{"leasegate_export":2,"origin","from_index","size","left","checkpoint","filtered"}`, `left` being the
 * hashes that stand for the entries before, and `checkpoint` the newest signed one or null; then a line `{"index","leaf","leaf_hash"}` per entry, the leaf being the exact text that was
 * hashed (in a filtered export of a signed log also "proof", a https://c2sp.org/tlog-proof, or null where the checkpoint
 * does not reach yet); last line `{"count","root_hash","right","content_hash"}`: the root of the tree of `size` entries (RFC 6962), the
 * hashes that lead on to a checkpoint of a larger tree, and the SHA-256 of all bytes before
 * that line. Members stand in this order, without white space, and each line ends with one line feed, so that each byte
 * of a file can be checked.
 */
export class JsonlWriter implements ExportWriter {
  readonly #content = createHash('sha256');
  #count = 0;
  #scope: ExportScope | undefined;

  begin(scope: ExportScope): string {
    this.#scope = scope;
    return this.#written(
      line({
        leasegate_export: 2,
        origin: scope.head.origin,
        from_index: scope.fromIndex,
        size: scope.head.size,
        left: scope.left,
        checkpoint: scope.checkpoint?.note ?? null,
        filtered: scope.filtered,
      }),
    );
  }

  entries(batch: readonly ExportedEntry[]): string {
    this.#count += batch.length;
    return this.#written(entryLines(batch));
  }

  written({ count, text }: WrittenEntries): Buffer {
    this.#count += count;
    this.#content.update(text);
    return text;
  }

  end(): string {
    const last = line({
      count: this.#count,
      root_hash: this.#scope?.head.rootHash ?? null,
      right: this.#scope?.checkpoint?.right ?? [],
      content_hash: this.#content.copy().digest('hex'),
    });
    return this.#written(last);
  }

  sha256(): string {
    return this.#content.copy().digest('hex');
  }

  #written(text: string): string {
    this.#content.update(text);
    return text;
  }
}

/** The lines of entries. `LogReader` has PostgreSQL write the same. */
export function entryLines(entries: readonly ExportedEntry[]): string {
  return entries.map(entryLine).join('');
}

function entryLine(entry: ExportedEntry): string {
  return line({
    index: entry.index,
    leaf: entry.leaf.toString('utf8'),
    leaf_hash: entry.leafHash.toString('hex'),
    ...(entry.proof !== undefined && { proof: entry.proof }),
  });
}

function line(
  members: Readonly<Record<string, string | number | boolean | null | readonly string[]>>,
): string {
  return `${JSON.stringify(members)}\n`;
}

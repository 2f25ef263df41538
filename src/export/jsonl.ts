import { createHash } from 'node:crypto';
import type { ExportedEntry, ExportScope, ExportWriter } from './export-format.js';

/**
 * The authoritative form: JSON Lines that `leasegate audit verify` checks offline.
 *
 * First line `{"leasegate_export":1,"origin","from_index","size","chain_hash_before","filtered"}`; then a line
 * `{"index","leaf","leaf_hash","chain_hash"}` per entry, the leaf being the exact text that was hashed; last line
 * `{"count","chain_hash","content_hash"}`, where `content_hash` is the SHA-256 of all bytes before that line. Members stand
 * in this order, without white space, and each line ends with one line feed, so that each byte of a file can be checked.
 */
export class JsonlWriter implements ExportWriter {
  readonly #content = createHash('sha256');
  #count = 0;
  #chainHash = '';

  begin(scope: ExportScope): string {
    this.#chainHash = scope.head.chainHash;
    return this.#written(
      line({
        leasegate_export: 1,
        origin: scope.head.origin,
        from_index: scope.fromIndex,
        size: scope.head.size,
        chain_hash_before: scope.chainHashBefore,
        filtered: scope.filtered,
      }),
    );
  }

  entries(batch: readonly ExportedEntry[]): string {
    this.#count += batch.length;
    return this.#written(batch.map(entryLine).join(''));
  }

  end(): string {
    return line({
      count: this.#count,
      chain_hash: this.#chainHash,
      content_hash: this.#content.copy().digest('hex'),
    });
  }

  #written(text: string): string {
    this.#content.update(text);
    return text;
  }
}

function entryLine(entry: ExportedEntry): string {
  return line({
    index: entry.index,
    leaf: entry.leaf.toString('utf8'),
    leaf_hash: entry.leafHash.toString('hex'),
    chain_hash: entry.chainHash.toString('hex'),
  });
}

function line(members: Readonly<Record<string, string | number | boolean>>): string {
  return `${JSON.stringify(members)}\n`;
}

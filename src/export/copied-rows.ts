import type { Client, Connection, Submittable } from 'pg';

/** One row of a copy: the bytes of each field, null where it is NULL. */
export type CopiedRow = readonly (Buffer | null)[];

/** PGCOPY\n\377\r\n\0, flags, and the length of a header extension that nobody has. */
const HEADER_BYTES = 19;

/**
 * What a query selects, by `COPY … TO STDOUT (FORMAT binary)`: bytes come as they are, where a query's answer would be
 * decoded to strings first. The query takes no parameters. Rejects with the error of the database, or of its connection.
 * https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
 */
export function copiedRows(client: Client, query: string): Promise<CopiedRow[]> {
  return new Promise((resolve, reject) => {
    client.query(new BinaryCopy(`COPY (${query}) TO STDOUT (FORMAT binary)`, resolve, reject));
  });
}

/** The part of a query that node-postgres calls while a copy comes in; one message is one row, and the header before the first. */
class BinaryCopy implements Submittable {
  readonly #rows: CopiedRow[] = [];
  #begun = false;
  #failed: Error | undefined;

  constructor(
    private readonly text: string,
    private readonly resolve: (rows: CopiedRow[]) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  submit(connection: Connection): void {
    connection.query(this.text);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    try {
      // The bytes are where the parser of node-postgres will put what comes next.
      const row = rowOf(Buffer.from(this.#begun ? chunk : chunk.subarray(HEADER_BYTES)));
      this.#begun = true;
      if (row !== undefined) this.#rows.push(row);
    } catch (error) {
      // Thrown on, it would end the process.
      this.#failed ??= error instanceof Error ? error : new Error('a row of a copy cannot be read');
    }
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    if (this.#failed === undefined) this.resolve(this.#rows);
    else this.reject(this.#failed);
  }

  handleError(error: Error): void {
    this.reject(error);
  }
}

/** Undefined for the trailer, and for a header that comes alone. */
function rowOf(bytes: Buffer): CopiedRow | undefined {
  if (bytes.length === 0) return undefined;
  const fields = bytes.readInt16BE(0);
  if (fields < 0) return undefined;
  const row: (Buffer | null)[] = [];
  let at = 2;
  for (let n = 0; n < fields; n += 1) {
    const length = bytes.readInt32BE(at);
    at += 4;
    row.push(length < 0 ? null : bytes.subarray(at, at + length));
    if (length > 0) at += length;
  }
  if (at !== bytes.length) throw new Error('a message of a copy is not one row');
  return row;
}

import pg from 'pg';

/** A `COPY … TO STDOUT` of which only the bytes are counted, as a reader that does nothing else with them. */
class CopyOut {
  readonly done: Promise<number>;
  #settle!: { readonly resolve: (bytes: number) => void; readonly reject: (error: Error) => void };
  #bytes = 0;

  constructor(private readonly text: string) {
    this.done = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
  }

  submit(connection: { query(text: string): void }): void {
    connection.query(this.text);
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.#bytes += chunk.length;
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#settle.resolve(this.#bytes);
  }

  handleError(error: Error): void {
    this.#settle.reject(error);
  }
}

/** Copies what the query selects; answers seconds. */
export async function copySeconds(url: string, query: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const from = performance.now();
    const copy = new CopyOut(`COPY (${query}) TO STDOUT`);
    client.query(copy as unknown as pg.Submittable);
    await copy.done;
    return (performance.now() - from) / 1_000;
  } finally {
    await client.end();
  }
}

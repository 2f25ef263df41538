import pg from 'pg';

/** A connection to the broker's own database, beside the broker. */
export class BrokerDatabase {
  private constructor(private readonly client: pg.Client) {}

  static async open(url: string): Promise<BrokerDatabase> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return new BrokerDatabase(client);
  }

  async query<Row>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.client.query(sql, [...values]);
    return rows as Row[];
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}

import pg from 'pg';

// Both by index: a look through the whole table, 20 times a second, would be a load of its own.
const LEFT = `
  SELECT 1 WHERE EXISTS (SELECT 1 FROM leases WHERE state = 'active' AND expires_at <= now() + interval '1 minute')
    OR EXISTS (SELECT 1 FROM leases WHERE state IN ('revoking', 'orphaned') AND mount = $1)`;

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

  /** Whether a lease that is due, or about to be, has not ended yet at that mount; planned once, since it is asked again and again. */
  async anyLeft(mount: string): Promise<boolean> {
    const { rows } = await this.client.query({ name: 'left', text: LEFT, values: [mount] });
    return rows.length > 0;
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}

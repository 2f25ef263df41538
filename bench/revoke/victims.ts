import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { canLogIn } from '../../src/dev/fault/target-login.js';
import type { TargetDatabase } from '../../src/dev/target-database.js';

/** An account that was leased. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/** Between two looks at the target; what is measured is no finer than this. */
const LOOK_EVERY_MS = 5;
const LOGINS_AT_ONCE = 8;

/** What is left at the target of accounts that somebody revokes. */
export class Victims {
  private constructor(
    private readonly target: TargetDatabase,
    private readonly client: pg.Client,
  ) {}

  static async of(target: TargetDatabase): Promise<Victims> {
    const client = new pg.Client({ connectionString: target.url });
    await client.connect();
    return new Victims(target, client);
  }

  /** Milliseconds until none of the accounts is there any more, from when `kill` is started; `kill` is awaited, too. */
  async goneAfterMs(accounts: readonly Account[], kill: () => Promise<unknown>): Promise<number> {
    const names = accounts.map(({ username }) => username);
    const begin = performance.now();
    const killed = kill();
    for (;;) {
      // Prepared: planned anew for each look, it would be a load of its own beside what is measured.
      const { rows } = await this.client.query<{ left: number }>({
        name: 'left',
        text: 'SELECT count(*)::int AS left FROM pg_roles WHERE rolname = ANY ($1) AND rolcanlogin',
        values: [names],
      });
      if (rows[0]?.left === 0) break;
      await pause(LOOK_EVERY_MS);
    }
    const goneMs = performance.now() - begin;
    await killed;
    return goneMs;
  }

  /** Logs in with each of them and throws when the target lets one in, or, with `alive`, when it does not. */
  async checkLogins(accounts: readonly Account[], alive: boolean): Promise<void> {
    const rest = [...accounts];
    const check = async (): Promise<void> => {
      for (let account = rest.pop(); account !== undefined; account = rest.pop()) {
        if ((await canLogIn(this.target, account)) !== alive)
          throw new Error(`${account.username} can ${alive ? 'not ' : ''}log in`);
      }
    };
    await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, check));
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}

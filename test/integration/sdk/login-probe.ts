import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { TargetDatabase } from '../../../src/dev/target-database.js';

/** Logs in at a target over and over, as a worker that opens connections does. */
export class LoginProbe {
  readonly failures: string[] = [];
  readonly users = new Set<string>();
  logins = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  /** `account` is asked for what to log in with before every login. */
  constructor(
    private readonly target: TargetDatabase,
    private readonly account: () => Readonly<Record<string, unknown>>,
  ) {
    this.#done = this.#run();
  }

  /** Ends it after the login under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#logIn();
      // Leaves the processor to the others; what is waited for is the end of the test.
      await pause(40);
    }
  }

  async #logIn(): Promise<void> {
    const account = this.account();
    const username = String(account['username']);
    const login = { username, password: String(account['password']) };
    const client = new pg.Client({ connectionString: this.target.urlFor(login) });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
      this.logins += 1;
      this.users.add(username);
    } catch (error) {
      this.failures.push(`${username}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

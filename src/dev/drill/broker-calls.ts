import { setTimeout as pause } from 'node:timers/promises';

const WITHIN_MS = 120_000;
const POLL_MS = 200;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

/** What a worker of the drill holds. */
export interface DrillLease {
  readonly id: string;
  readonly username: string;
  readonly password: string;
}

/** A report, as far as the drill reads it. */
export interface DrillReport {
  readonly id: string;
  readonly state: string;
  readonly acted: number;
  readonly finished_at: string | null;
  readonly counts: Readonly<Record<string, number>>;
}

/** The hold, as far as the drill reads it. */
export interface DrillHold {
  readonly held: boolean;
  readonly changed_by: string | null;
  readonly look: DrillReport | null;
}

/** The public API, as an admin and a worker use it. Throws on any answer but success. */
export class BrokerCalls {
  constructor(
    readonly url: string,
    private readonly adminToken: string,
    private readonly platformToken: () => Promise<string>,
  ) {}

  admin<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.call<T>(method, path, this.adminToken, body);
  }

  /** Leases the database credential in the run of the drill. */
  async lease(): Promise<DrillLease> {
    const answer = await this.call<{ lease: { id: string }; credential: Omit<DrillLease, 'id'> }>(
      'POST',
      '/v1/leases',
      await this.runToken(),
      { credential: 'orders-readonly', ttl_seconds: 1_200 },
    );
    return { id: answer.lease.id, ...answer.credential };
  }

  async release(lease: DrillLease): Promise<void> {
    await this.call('DELETE', `/v1/leases/${lease.id}`, await this.runToken());
  }

  /** Has the books compared, and waits for the report. */
  async reconcile(dryRun: boolean): Promise<DrillReport> {
    const reason = 'restore drill';
    const { id } = await this.admin<DrillReport>('POST', '/v1/reconciliations', { dry_run: dryRun, reason });
    return this.until('the report', async () => {
      const report = await this.admin<DrillReport>('GET', `/v1/reconciliations/${id}`);
      return report.finished_at === null ? undefined : report;
    });
  }

  /** Waits until revocation is held and the books were compared since. */
  heldAndLooked(): Promise<DrillHold & { readonly look: DrillReport }> {
    return this.until('the hold', async () => {
      const hold = await this.admin<DrillHold>('GET', '/v1/hold');
      return hold.held && hold.look !== null ? { ...hold, look: hold.look } : undefined;
    });
  }

  /** Asks again until there is an answer. */
  async until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + WITHIN_MS;
    for (;;) {
      const answer = await probe();
      if (answer !== undefined) return answer;
      if (performance.now() > deadline) throw new Error(`${what} did not come within ${WITHIN_MS / 1_000} s`);
      await pause(POLL_MS);
    }
  }

  private async runToken(): Promise<string> {
    const form = new URLSearchParams({
      grant_type: EXCHANGE,
      subject_token: await this.platformToken(),
      subject_token_type: JWT,
      run_id: 'drill',
      step_id: 'work',
    });
    const response = await fetch(`${this.url}/oauth2/token`, { method: 'POST', body: form });
    const { access_token: token } = (await response.json()) as { access_token?: string };
    if (token === undefined) throw new Error(`no run token: ${response.status}`);
    return token;
  }

  private async call<T>(method: string, path: string, token: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultParts } from './fault-parts.js';
import type { Fleet } from './fleet.js';
import type { HandedLease, Ledger } from './ledger.js';
import type { Replica } from './replica.js';
import type { Seeded } from './seeded.js';
import { canLogIn } from './target-login.js';

/** An answer; undefined where the connection ended without one. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A request to the API. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly key?: string;
}

/** Longest wait for one answer; longer than a broker waits for PostgreSQL and Vault. */
const ANSWER_MS = 9_000;
const PERSISTS_MS = 60_000;

/** A worker as workers are: it asks again, another broker, until somebody answers, and keeps account of what it was told. */
export class FaultWorker {
  constructor(
    private readonly parts: FaultParts,
    private readonly fleet: Fleet,
    private readonly ledger: Ledger,
    private readonly random: Seeded,
  ) {}

  /** Opens a run, or finds it open; answers its token. */
  async exchange(runId: string, subject: string, first?: Replica): Promise<string | undefined> {
    const answer = await this.persist(
      async () => ({
        method: 'POST',
        path: '/oauth2/token',
        form: {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: await this.parts.platformToken({ sub: subject }),
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          run_id: runId,
          step_id: 'step-1',
        },
      }),
      first,
    );
    return answer?.body['access_token'] as string | undefined;
  }

  /** Leases; undefined where it was refused. */
  async lease(
    runId: string,
    token: string,
    wanted: { readonly credential: string; readonly ttlSeconds: number; readonly key?: string },
    first?: Replica,
  ): Promise<HandedLease | undefined> {
    const key = wanted.key ?? randomUUID();
    const body = { credential: wanted.credential, ttl_seconds: wanted.ttlSeconds };
    const answer = await this.persist({ method: 'POST', path: '/v1/leases', token, body, key }, first);
    if (answer?.status !== 201) return undefined;
    const { lease, credential } = answer.body as unknown as IssuedBody;
    const { username, password } = credential;
    return this.ledger.handed({
      id: lease.id,
      runId,
      ...(username !== undefined && password !== undefined && { account: { username, password } }),
    });
  }

  async renew(lease: HandedLease, token: string, ttlSeconds: number, first?: Replica): Promise<boolean> {
    const answer = await this.persist(
      { method: 'POST', path: `/v1/leases/${lease.id}/renew`, token, body: { ttl_seconds: ttlSeconds } },
      first,
    );
    if (answer?.status !== 200) return false;
    const told = (answer.body as unknown as { lease: { renewals: number } }).lease.renewals;
    lease.renewals = Math.max(lease.renewals, told);
    return true;
  }

  /** Gives a lease back; when the answer says that it is gone, its account must be. */
  async release(lease: HandedLease, token: string, first?: Replica): Promise<boolean> {
    const answer = await this.persist({ method: 'DELETE', path: `/v1/leases/${lease.id}`, token }, first);
    const state = (answer?.body['lease'] as { state?: string } | undefined)?.state;
    if (state !== 'revoked' && state !== 'expired') return false;
    await this.#mustBeDead(lease, 'after its release was answered');
    return true;
  }

  /** Closes a run. */
  async close(runId: string, token: string, first?: Replica): Promise<boolean> {
    const answer = await this.persist({ method: 'DELETE', path: '/v1/runs/self', token }, first);
    if (answer === undefined || answer.status >= 300) return false;
    this.ledger.ended(runId);
    return true;
  }

  /** An admin's act. */
  async admin(asked: Omit<Asked, 'token'>, first?: Replica): Promise<Answer | undefined> {
    const token = await this.parts.platformToken({ sub: 'fault-admin', roles: ['admin', 'operator'] });
    return this.persist({ ...asked, token }, first);
  }

  /** Asks until there is an answer that stays the same when it is asked again; undefined when nobody has one in time. */
  async persist(
    asked: Asked | (() => Promise<Asked>),
    first: Replica | undefined,
  ): Promise<Answer | undefined> {
    const deadline = performance.now() + PERSISTS_MS;
    let replica = first ?? (await this.fleet.one(this.random));
    for (;;) {
      const answer = await ask(replica.url, typeof asked === 'function' ? await asked() : asked);
      if (answer !== undefined && !passing(answer)) return answer;
      if (performance.now() > deadline) return answer;
      await pause(this.random.between(20, 150));
      replica = await this.fleet.one(this.random);
    }
  }

  async #mustBeDead({ id, account }: HandedLease, when: string): Promise<void> {
    if (account === undefined) return;
    if (await canLogIn(this.parts.target, account))
      this.ledger.broken(`the account of lease ${id} works ${when}`);
  }
}

interface IssuedBody {
  readonly lease: { readonly id: string };
  readonly credential: { readonly username?: string; readonly password?: string };
}

/** Whether another attempt may be answered otherwise. */
function passing({ status, body }: Answer): boolean {
  return status >= 500 || status === 429 || (status === 409 && body['code'] === 'lease_in_progress');
}

async function ask(url: string, asked: Asked): Promise<Answer | undefined> {
  const { method, path, token, body, form, key } = asked;
  const content = form === undefined ? body && JSON.stringify(body) : new URLSearchParams(form).toString();
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(content === undefined ? {} : { 'content-type': type }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(content === undefined ? {} : { body: content as string }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  } catch {
    return undefined;
  }
}

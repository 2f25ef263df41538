import type { AuditInbox } from '../../src/audit/audit-inbox.js';
import { systemCaller } from '../../src/kernel/caller.js';
import type { Ids } from '../../src/kernel/ids.js';

/** Events of leases, four for each, as a broker under load writes them. */
export class LeaseEvents {
  #count = 0;
  #lease = '';

  constructor(
    private readonly inbox: AuditInbox,
    private readonly ids: Ids,
  ) {}

  /** The account that the lease of that number has. */
  static account(lease: number): string {
    return `v-token-orders-${lease}`;
  }

  /** Leases that have been begun. */
  get leases(): number {
    return Math.ceil(this.#count / 4);
  }

  /** The next event: its id and its leaf. */
  next(): readonly [id: string, leaf: Buffer] {
    const step = this.#count % 4;
    const lease = Math.floor(this.#count / 4);
    this.#count += 1;
    if (step === 0) this.#lease = this.ids.uuid();
    const id = this.ids.uuid();
    const context = {
      caller: systemCaller('lease', `req-${lease}`),
      workload: { issuer: 'https://id.example', subject: `jobs/nightly-${lease % 100}` },
      run: { ref: REF, runId: `nightly-${Math.floor(lease / 50)}` },
      stepId: 'load',
      grant: { id: REF, name: 'nightly-orders', version: 3 },
      leaseId: this.#lease,
      credential: `orders-${lease % 20}`,
    };
    const account = LeaseEvents.account(lease);
    const until = '2027-01-01T00:00:00.000Z';
    const [kind, data] = (
      [
        [
          'lease.requested',
          {
            kind: 'database',
            mount: 'database',
            delivery: 'plain',
            ttl_seconds: 300,
            revocable: true,
            accessor: account,
          },
        ],
        [
          'lease.issued',
          { expires_at: until, delivery: 'plain', revocable: true, vault_lease: account, account },
        ],
        ['lease.renewed', { expires_at: until, renewals: 1 }],
        [
          'lease.ended',
          {
            state: 'revoked',
            cause: 'released',
            proof: 'lease gone',
            revocable: true,
            attempts: 1,
            secret_lives_on: false,
          },
        ],
      ] as const
    )[step]!;
    return [id, this.inbox.leaf(id, kind, context, data)];
  }
}

const REF = '01900000-0000-7000-8000-00000000aaaa';

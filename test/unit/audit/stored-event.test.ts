import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf, readEvent, searchText } from '../../../src/audit/stored-event.js';
import { isUuid } from '../../../src/kernel/ids.js';
import { CALLER, leafMaker } from './inbox-parts.js';

const leafOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const LEASE = '01890a5d-ac96-774b-bcce-b302099a8057';

fc.configureGlobal({ seed: 20_261_103 });

describe('search columns of a leaf', () => {
  it.each([
    ['no JSON', Buffer.from('{')],
    ['no object', Buffer.from('[1]')],
    ['null', Buffer.from('null')],
    ['no UTF-8', Buffer.of(0x22, 0xff, 0x22)],
  ])('a leaf that is %s is unreadable, and still has columns', (_, leaf) => {
    expect(readEvent(leaf)).toBeUndefined();
    expect(columnsOf(leaf)).toMatchObject({ kind: 'unreadable', occurredAt: undefined, accountHmac: null });
  });

  it('takes nothing that PostgreSQL would refuse', () => {
    const columns = columnsOf(
      leafOf({
        kind: 'exchange.refused',
        time: 'yesterday',
        lease_id: 'x',
        grant: { id: LEASE.toUpperCase(), version: 2 ** 40 },
        run: { ref: 7, run_id: `a\0${'b'.repeat(10_000)}` },
        step_id: { toString: 'x' },
      }),
    );
    expect(columns).toMatchObject({
      occurredAt: undefined,
      leaseId: null,
      grantId: null,
      grantVersion: null,
    });
    expect(columns).toMatchObject({ runRef: null, stepId: null });
    expect(columns.runId).toBe(`a\uFFFD${'b'.repeat(510)}`);
  });

  it('never throws, and every column fits an index, whatever is in the leaf', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ depthSize: 'small' }),
        fc.string({ unit: 'binary', maxLength: 2_000 }),
        (value, text) => {
          const event = {
            kind: text,
            time: value,
            actor: value,
            run: { run_id: text, ref: text },
            lease_id: text,
            data: value,
          };
          for (const leaf of [leafOf(event), leafOf(value), Buffer.from(text)]) {
            for (const [name, column] of Object.entries(columnsOf(leaf)) as [string, unknown][]) {
              if (typeof column !== 'string') continue;
              expect(column).not.toContain('\0');
              expect(Buffer.byteLength(column)).toBeLessThanOrEqual(2_048);
              if (['leaseId', 'grantId', 'runRef'].includes(name)) expect(isUuid(column)).toBe(true);
            }
          }
        },
      ),
    );
  });

  it('a search text is the same whether it comes from an event or from a filter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_500 }), (text) => {
        const fromLeaf = columnsOf(leafOf({ kind: 'x', credential: text })).credential!;
        // What the driver sends: lone surrogates become replacement characters.
        expect(Buffer.from(searchText(text)!).equals(Buffer.from(fromLeaf))).toBe(true);
      }),
    );
  });

  it('finds everything that the inbox writes', () => {
    const inbox = leafMaker();
    const leaf = inbox.leaf(
      'id',
      'lease.issued',
      {
        caller: CALLER,
        outcome: 'success',
        workload: { issuer: 'https://ci.example', subject: 'repo:a' },
        run: { ref: LEASE, runId: '42' },
        stepId: 'deploy',
        grant: { id: LEASE, name: 'g', version: 3 },
        leaseId: LEASE,
        credential: 'orders',
      },
      { expires_at: 'x', delivery: 'inline', revocable: true, account: 'v-user-1' },
    );
    expect(columnsOf(leaf)).toEqual({
      kind: 'lease.issued',
      occurredAt: '2026-11-03T10:00:00.000Z',
      outcome: 'success',
      code: null,
      actorIssuer: 'https://id.example',
      actorSubject: 'alice',
      workloadIssuer: 'https://ci.example',
      workloadSubject: 'repo:a',
      grantId: LEASE,
      grantName: 'g',
      grantVersion: 3,
      runRef: LEASE,
      runId: '42',
      stepId: 'deploy',
      leaseId: LEASE,
      credential: 'orders',
      tool: null,
      requestId: 'req-1',
      accountHmac: inbox.hmac('v-user-1'),
    });
  });

  it('names the broker itself and nobody', () => {
    const named = (actor: object): string | null => columnsOf(leafOf({ kind: 'x', actor })).actorSubject;
    expect(named({ type: 'system', name: 'scheduler' })).toBe('system:scheduler');
    expect(named({ type: 'anonymous' })).toBe('anonymous');
  });
});

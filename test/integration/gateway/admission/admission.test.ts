import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCode } from '../../../../src/kernel/broker-error.js';
import { AdmissionParts, limitsOf } from './admission-parts.js';

let parts: AdmissionParts;
let about: { runRef: string; grantId: string; tool: string };

beforeAll(async () => {
  parts = await AdmissionParts.open();
  const grantId = await parts.grant('nightly');
  await parts.tool('orders-list');
  about = { grantId, runRef: await parts.run(grantId, 'run-1'), tool: 'orders-list' };
});
afterAll(() => parts.stop());

describe('a call', () => {
  test('is written with its event, and ended with another', async () => {
    const request = parts.request(about, {
      limits: limitsOf({
        calls: [{ per: 'run', max: 2, window_seconds: 60 }],
        bytes: [{ per: 'grant', max: 1_000, window_seconds: 60 }],
        concurrent: [{ per: 'tool', max: 3 }],
        budgets: [{ per: 'run', max_micros: 100, window: 'total' }],
      }),
      reserveMicros: 10,
    });
    const admitted = await parts.own.admission.admit(request);
    expect(admitted.limits).toEqual([
      { name: 'budget/run/total', limit: 100, remaining: 90, resetSeconds: 0, windowSeconds: 0 },
      { name: 'calls/run/60', limit: 2, remaining: 1, resetSeconds: 60, windowSeconds: 60 },
      { name: 'concurrent/tool', limit: 3, remaining: 2, resetSeconds: 0, windowSeconds: 0 },
      { name: 'bytes/grant/60', limit: 1_000, remaining: 900, resetSeconds: 60, windowSeconds: 60 },
    ]);
    await parts.own.admission.complete(
      parts.completion(request.callId, { costMicros: 7, units: { tokens: 3 } }),
    );
    const [row] = await parts.query<Record<string, unknown>>('SELECT * FROM calls WHERE id = $1', [
      request.callId,
    ]);
    expect(row).toMatchObject({ state: 'ended', outcome: 'success', cost_micros: '7', units: { tokens: 3 } });
    const states = await parts.query<Record<string, unknown>>(
      'SELECT kind, total, reserved FROM limit_states ORDER BY kind',
    );
    expect(states).toEqual([
      { kind: 'budget', total: '7', reserved: '0' },
      { kind: 'bytes', total: '300', reserved: '0' },
      { kind: 'calls', total: '1', reserved: '0' },
      { kind: 'concurrent', total: '0', reserved: '0' },
    ]);
    const events = await parts.query<{ leaf: Buffer }>('SELECT leaf FROM audit_inbox ORDER BY seq');
    expect(events[0]?.leaf.equals(request.event.leaf)).toBe(true);
    expect(events).toHaveLength(2);
    expect(hasCode(undefined, 'run_closed')).toBe(false);
  });
});

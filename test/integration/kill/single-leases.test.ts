import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import { GatewayWorld } from '../gateway/gateway-world.js';

/** What the product promises: no stream goes on for longer after a kill was answered. */
const CUT_WITHIN_MS = 1_000;

let world: GatewayWorld;
let replica: { readonly url: string; stop(): Promise<void> };
/** What the provider streams to, in the order in which it was asked. */
const provider: ServerResponse[] = [];

beforeAll(async () => {
  world = await GatewayWorld.start();
  replica = await world.broker.replica();
  world.upstream.json('GET', '/ping', { ok: true });
  world.upstream.on('GET', '/live', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    provider.push(response);
  });
  await world.tools({ name: 'ping' }, { name: 'live', response: { stream: true } });
}, 240_000);
afterAll(async () => {
  await replica.stop();
  await world.stop();
});

interface Stream {
  ended: { readonly atMs: number; readonly how: 'whole' | 'cut' } | undefined;
}

async function stream(url: string, token: string): Promise<Stream> {
  const response = await fetch(`${url}/g/live/live`, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  const open: Stream = { ended: undefined };
  void response.arrayBuffer().then(
    () => (open.ended = { atMs: performance.now(), how: 'whole' }),
    () => (open.ended = { atMs: performance.now(), how: 'cut' }),
  );
  return open;
}

/** The leases that the gateway holds for a run, oldest first. */
function leasesOf(runId: string): Promise<{ id: string; state: string }[]> {
  return world.broker.query(
    `SELECT l.id, l.state FROM leases l JOIN runs r ON r.id = l.run_ref
     WHERE r.run_id = $1 AND l.delivery = 'gateway' ORDER BY l.id`,
    [runId],
  );
}

it('a kill of a lease cuts the calls that were sent with it, on every replica, and no others', async () => {
  const token = await world.runWith('killed', ['ping', 'live'], { runId: 'killed' });
  const other = await world.runWith('spared', ['live'], { runId: 'spared' });
  const here = await stream(world.broker.baseUrl, token);
  const killed = (await leasesOf('killed')).map(({ id }) => id);
  expect(killed).toHaveLength(1);
  const there = await stream(replica.url, token);
  const elsewhere = await stream(replica.url, other);
  const both = await leasesOf('killed');
  // Each replica holds one of its own.
  const ofReplica = both.map(({ id }) => id).filter((id) => !killed.includes(id));
  expect(ofReplica).toHaveLength(1);

  const kill = async (leases: readonly string[]): Promise<number> => {
    const answer = await world.admin('POST', '/v1/revocations', { selector: { leases }, reason: 'stolen' });
    expect(answer.status).toBe(200);
    return performance.now();
  };
  // Asked for at the first broker, it concerns a stream at the second.
  const answeredMs = await kill(ofReplica);
  const cut = await until(() => there.ended, { what: 'the cut' });
  expect(cut.how).toBe('cut');
  expect(cut.atMs - answeredMs).toBeLessThan(CUT_WITHIN_MS);
  expect(here.ended).toBeUndefined();
  const againMs = await kill(killed);
  const cutHere = await until(() => here.ended, { what: 'the cut' });
  expect(cutHere.how).toBe('cut');
  expect(cutHere.atMs - againMs).toBeLessThan(CUT_WITHIN_MS);
  await until(() => provider.filter(({ destroyed }) => destroyed).length === 2, {
    what: 'the end at the provider',
  });
  expect(elsewhere.ended).toBeUndefined();

  // The run may lease again: its next call is sent with a new lease.
  expect(await world.call(token, 'ping')).toMatchObject({ status: 200 });
  const now = await leasesOf('killed');
  expect(now.filter(({ state }) => state === 'active')).toHaveLength(1);
  expect(now).toHaveLength(3);
  const ended = await until(async () => {
    const events = await world.broker.query<{ code: string }>(
      `SELECT convert_from(leaf, 'UTF8')::jsonb ->> 'code' AS code FROM audit_entry
       WHERE convert_from(leaf, 'UTF8')::jsonb ->> 'kind' = 'call.ended'
         AND convert_from(leaf, 'UTF8')::jsonb -> 'tool' ->> 'name' = 'live'`,
    );
    return events.length === 2 ? events : undefined;
  });
  expect(ended.map(({ code }) => code)).toEqual(['lease_not_active', 'lease_not_active']);
}, 240_000);

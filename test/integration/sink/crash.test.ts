import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../../../src/kernel/crash-point.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

const DEADLINE = { deadlineMs: 60_000 };
const POISON = 'leasegate.authentication.refused';

let world: World;
let armed: string;
let receiver: Server;
/** Ids of events that the receiver said yes to. */
const taken = new Set<string>();
let refuses = false;

beforeAll(async () => {
  armed = await mkdtemp(join(tmpdir(), 'leasegate-armed-'));
  receiver = createServer((request, response) => {
    void json(request).then((body) => {
      const events = body as { id: string; type: string }[];
      const refused = refuses && events.some(({ type }) => type === POISON);
      if (!refused) for (const { id } of events) taken.add(id);
      response.writeHead(refused ? 422 : 204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  world = await startWorld({
    mode: 'process',
    env: { LEASEGATE_CRASH_AT: `@${armed}` },
    settings: {
      scheduler: { claimMs: 1_000 },
      sinks: {
        pollMs: 100,
        backoffMaxSeconds: 1,
        deadLetterAfterAttempts: 1,
        receivers: [
          {
            name: 'siem',
            kind: 'webhook',
            begin: 'first',
            url: `http://127.0.0.1:${port}/events`,
            internal: true,
            secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
          },
        ],
      },
    },
  });
}, 240_000);
afterAll(async () => {
  await world.stop();
  await new Promise((resolve) => receiver.close(resolve));
  await rm(armed, { recursive: true });
});

/** Somebody without a token asks: an event of the kind that is refused at times. */
const knock = async (): Promise<void> => {
  expect((await world.call('GET', '/v1/grants', {})).status).toBe(401);
};
const ask = async (): Promise<void> => {
  expect((await world.call('GET', '/v1/grants', { token: await world.adminToken() })).status).toBe(200);
};
const letters = (): Promise<{ event_id: string; state: string }[]> =>
  world.query(`SELECT event_id, state FROM sink_dead_letters`);

/** Until each event that is in the log now was taken, or lies with the dead letters. */
async function nothingIsLost(): Promise<void> {
  const events = await world.query<{ event_id: string }>(`SELECT event_id FROM audit_entry`);
  await until(
    async () => {
      const aside = new Set((await letters()).map(({ event_id }) => event_id));
      return events.every(({ event_id }) => taken.has(event_id) || aside.has(event_id));
    },
    { ...DEADLINE, what: 'every event at the receiver or set aside' },
  );
}

async function killedAt(point: CrashPoint, provoke: () => Promise<void>): Promise<void> {
  await writeFile(join(armed, point), 'kill');
  // The kill may come before the answer does.
  await provoke().catch(() => undefined);
  expect(await world.broker.exited).toBe('SIGKILL');
  await world.restart();
}

describe('a sink gets each event at least once', () => {
  it.each(['sink.delivered', 'sink.moved'] as const)(
    'after a replica is killed at %s',
    { timeout: 240_000 },
    async (point) => {
      await nothingIsLost();
      await killedAt(point, ask);
      await ask();
      await nothingIsLost();
    },
  );

  it.each(['sink.letter.refused', 'sink.letter.before-commit', 'sink.letter.buried'] as const)(
    'and what it refuses is set aside once, after a replica is killed at %s',
    { timeout: 240_000 },
    async (point) => {
      refuses = true;
      const before = (await letters()).length;
      await killedAt(point, async () => {
        await knock();
        await ask();
      });
      await until(async () => (await letters()).length > before, { ...DEADLINE, what: 'a dead letter' });
      await nothingIsLost();
      const ids = (await letters()).map(({ event_id }) => event_id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.some((id) => taken.has(id))).toBe(false);
    },
  );

  it(
    'and what was set aside, after a replica is killed between its delivery and the note of it',
    { timeout: 240_000 },
    async () => {
      refuses = false;
      const ids = (await letters()).map(({ event_id }) => event_id);
      expect(ids.length).toBeGreaterThan(0);
      await killedAt('sink.letter.delivered', async () => {
        const token = await world.adminToken();
        expect((await world.call('POST', '/v1/sinks/siem/retry', { token, body: {} })).status).toBeLessThan(
          300,
        );
      });
      await until(async () => (await letters()).every(({ state }) => state === 'delivered'), {
        ...DEADLINE,
        what: 'every letter delivered',
      });
      expect(ids.every((id) => taken.has(id))).toBe(true);
    },
  );
});

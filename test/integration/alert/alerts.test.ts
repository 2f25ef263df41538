import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../../src/alert/notification.js';
import { CALLER } from '../audit/log-parts.js';
import { everything, openAlerts, REFUSED_CALLS, type AlertParts, type AlertReplica } from './alert-parts.js';
import { startReceiver, type Receiver } from './receiver.js';

const SECRET = `whsec_${Buffer.from('a secret of the test, 32 bytes..').toString('base64')}`;

let receiver: Receiver;
let parts: AlertParts;
let replica: AlertReplica;

const told = (): Notification[] => receiver.received.map(({ body }) => JSON.parse(body) as Notification);

beforeEach(async () => {
  receiver = await startReceiver();
  parts = await openAlerts({
    channels: [{ kind: 'webhook', name: 'ops', url: receiver.url, secret: SECRET, internal: true }],
  });
  replica = parts.replica();
});

afterEach(async () => {
  await parts.stop();
  await receiver.stop();
});

/** Records, waits for the group, and tells. */
async function refuseAndTell(workers: readonly string[]): Promise<void> {
  await parts.refuse(workers);
  await everything(replica);
  parts.clock.advanceMs(10_000);
  await everything(replica);
}

describe('delivery', () => {
  it('keeps trying a receiver that fails, under one id, and says so in the log at the fifth time', async () => {
    receiver.answer(500, 503, 302, 404, 429, 204);
    await refuseAndTell(['w']);
    for (let round = 0; receiver.received.length < 6 && round < 50; round += 1) {
      parts.clock.advanceMs(20_000);
      await replica.delivery.round(10_000);
    }
    expect(receiver.received).toHaveLength(6);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect((await parts.kinds()).filter((kind) => kind === 'alert.notification_failed')).toHaveLength(1);
    const [row] = await parts.dataSource.query<{ state: string; attempts: number }[]>(
      'SELECT state, attempts FROM alert_notifications',
    );
    expect(row).toEqual({ state: 'delivered', attempts: 6 });
  });

  it('waits longer each time', async () => {
    receiver.answer(500, 500);
    await refuseAndTell(['w']);
    await replica.delivery.round(10_000);
    expect(receiver.received).toHaveLength(1);
    parts.clock.advanceMs(1_000);
    await replica.delivery.round(10_000);
    expect(receiver.received).toHaveLength(2);
    parts.clock.advanceMs(900);
    await replica.delivery.round(10_000);
    expect(receiver.received).toHaveLength(2);
  });

  it('gives up after the longest time, which is an event', async () => {
    receiver.answer(...Array.from({ length: 100 }, () => 500));
    await refuseAndTell(['w']);
    parts.clock.advanceMs(72 * 3_600_000);
    await replica.delivery.round(10_000);
    const [row] = await parts.dataSource.query<{ state: string; last_error: string }[]>(
      'SELECT state, last_error FROM alert_notifications',
    );
    expect(row).toEqual({ state: 'abandoned', last_error: 'the receiver answered 500' });
    expect(await parts.kinds()).toContain('alert.notification_failed');
  });

  it('takes over what another replica claimed and never delivered', async () => {
    await parts.refuse(['w']);
    while ((await replica.follow.step()) > 0);
    parts.clock.advanceMs(10_000);
    await replica.tell.due(10);
    expect(await replica.outbox.claim('ops', 10)).toHaveLength(1);
    const other = parts.replica();
    await other.delivery.round(10_000);
    expect(receiver.received).toHaveLength(0);
    parts.clock.advanceMs(31_000);
    await other.delivery.round(10_000);
    expect(receiver.received).toHaveLength(1);
  });

  it('ignores the word of a replica whose claim was taken over', async () => {
    await refuseAndTell([]);
    await parts.refuse(['w']);
    while ((await replica.follow.step()) > 0);
    parts.clock.advanceMs(10_000);
    await replica.tell.due(10);
    const [late] = await replica.outbox.claim('ops', 10);
    parts.clock.advanceMs(31_000);
    const [current] = await replica.outbox.claim('ops', 10);
    if (late === undefined || current === undefined) throw new Error('nothing was claimed');
    await replica.outbox.failed(late, 'late');
    await replica.outbox.delivered(current);
    await replica.outbox.failed(late, 'later still');
    const [row] = await parts.dataSource.query<{ state: string }[]>('SELECT state FROM alert_notifications');
    expect(row?.state).toBe('delivered');
  });
});

describe('groups', () => {
  it('tells of what belongs together once, signed so that any library verifies it', async () => {
    await parts.refuse(['a', 'b', 'a']);
    await everything(replica);
    expect(receiver.received).toHaveLength(0);
    parts.clock.advanceMs(10_000);
    await everything(replica);
    expect(
      told()
        .map(({ labels, events, new_events: fresh }) => [labels['workload.subject'], events, fresh])
        .sort(),
    ).toEqual([
      ['a', 2, 2],
      ['b', 1, 1],
    ]);
    const [first] = receiver.received;
    if (first === undefined) throw new Error('nothing was received');
    const atMs = Number(first.headers['webhook-timestamp']) * 1_000;
    expect(atMs).toBe(parts.clock.now().getTime());
    const signature = new Webhook(SECRET).sign(
      String(first.headers['webhook-id']),
      new Date(atMs),
      first.body,
    );
    expect(first.headers['webhook-signature']).toBe(signature);
    expect(told()[0]?.samples[0]).toMatchObject({ kind: 'call.refused', code: 'run_identity_missing' });
  });

  it('tells again of new events, and not sooner than the rule repeats', async () => {
    await refuseAndTell(['a']);
    await parts.refuse(['a', 'a']);
    await everything(replica);
    parts.clock.advanceMs(60_000);
    await everything(replica);
    expect(receiver.received).toHaveLength(1);
    parts.clock.advanceMs(540_000);
    await everything(replica);
    expect(told().map(({ events, new_events: fresh }) => [events, fresh])).toEqual([
      [1, 1],
      [3, 2],
    ]);
  });

  it('is quiet while nothing new comes, and resolves', async () => {
    await refuseAndTell(['a']);
    parts.clock.advanceMs(3_600_000);
    await everything(replica);
    expect(receiver.received).toHaveLength(1);
    const { items } = await replica.alerts.list({ limit: 10 });
    expect(items.map(({ state }) => state)).toEqual(['resolved']);
    expect((await parts.kinds()).filter((kind) => kind.startsWith('alert.'))).toEqual([
      'alert.fired',
      'alert.resolved',
    ]);
    await refuseAndTell(['a']);
    expect(receiver.received).toHaveLength(2);
    expect((await replica.alerts.list({ limit: 10 })).items).toHaveLength(2);
  });

  it('does not flood: what is beyond a hundred groups is one', async () => {
    await refuseAndTell(Array.from({ length: 130 }, (_, n) => `w-${n}`));
    expect(receiver.received).toHaveLength(101);
    const overflow = told().find(({ labels }) => labels['overflow'] === 'true');
    expect(overflow?.events).toBe(30);
  });
});

describe('replicas and crashes', () => {
  it('raises each event once, however many follow the log', async () => {
    const replicas = [replica, parts.replica(), parts.replica()];
    for (let round = 0; round < 5; round += 1) {
      await parts.refuse(['a', 'b', 'c', 'a']);
      await Promise.all(replicas.map((each) => everything(each)));
    }
    parts.clock.advanceMs(10_000);
    await Promise.all(replicas.map((each) => everything(each)));
    await Promise.all(replicas.map((each) => each.delivery.round(10_000)));
    expect(
      told()
        .map(({ labels, events }) => [labels['workload.subject'], events])
        .sort(),
    ).toEqual([
      ['a', 10],
      ['b', 5],
      ['c', 5],
    ]);
  });

  it('loses nothing when it dies after reading and before the commit', async () => {
    await parts.refuse(['a']);
    await parts.dataSource.query(
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'died'; END $$;
       CREATE TRIGGER fail BEFORE INSERT ON alerts FOR EACH ROW EXECUTE FUNCTION fail()`,
    );
    await expect(replica.follow.step()).rejects.toThrow('died');
    await parts.dataSource.query('DROP TRIGGER fail ON alerts');
    await everything(replica);
    parts.clock.advanceMs(10_000);
    await everything(replica);
    expect(receiver.received).toHaveLength(1);
  });

  it('never reads the log backwards', async () => {
    await parts.refuse(['a']);
    await everything(replica);
    await expect(parts.dataSource.query('UPDATE alert_cursor SET next_index = 0')).rejects.toThrow(
      'never read',
    );
  });
});

describe('silences', () => {
  const matchers = { rule: REFUSED_CALLS.name, 'workload.subject': 'a' };

  it('are refused without an end, and end once', async () => {
    const wanted = { matchers, durationSeconds: 1e9, comment: 'too long' };
    expect(() => replica.silences.create(CALLER, wanted)).toThrow('request_invalid');
    const { id } = await replica.silences.create(CALLER, { ...wanted, durationSeconds: 60 });
    await replica.silences.end(CALLER, id);
    await expect(replica.silences.end(CALLER, id)).rejects.toMatchObject({
      code: 'state_transition_refused',
    });
    await expect(replica.silences.end(CALLER, 'nothing')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('hold back what matches until they end, and lose none of it', async () => {
    await replica.silences.create(CALLER, { matchers, durationSeconds: 600, comment: 'known' });
    await refuseAndTell(['a', 'b']);
    expect(told().map(({ labels }) => labels['workload.subject'])).toEqual(['b']);
    await parts.refuse(['a']);
    await everything(replica);
    parts.clock.advanceMs(600_000);
    await everything(replica);
    expect(told().map(({ labels, events }) => [labels['workload.subject'], events])).toEqual([
      ['b', 1],
      ['a', 2],
    ]);
  });

  it('let go at once when they are ended early', async () => {
    const { id } = await replica.silences.create(CALLER, {
      matchers,
      durationSeconds: 600,
      comment: 'known',
    });
    await refuseAndTell(['a']);
    expect(receiver.received).toHaveLength(0);
    await replica.silences.end(CALLER, id);
    await everything(replica);
    expect(receiver.received).toHaveLength(1);
    expect(await parts.kinds()).toEqual(
      expect.arrayContaining(['alert.silenced', 'alert.silence_ended', 'alert.fired']),
    );
  });
});

describe('tests of channels', () => {
  it('refuse what is not there', async () => {
    await expect(replica.alerts.test(CALLER, { rule: 'nothing' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(replica.alerts.test(CALLER, { channel: 'nobody' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('say what became of them, and are not repeated', async () => {
    receiver.answer(410);
    expect(await replica.alerts.test(CALLER, {})).toMatchObject([
      { channel: 'ops', kind: 'test', state: 'abandoned', lastError: 'the receiver answered 410' },
    ]);
    expect(await replica.alerts.test(CALLER, { rule: REFUSED_CALLS.name })).toMatchObject([
      { channel: 'ops', state: 'delivered' },
    ]);
    expect(told().at(-1)).toMatchObject({ type: 'alert.test', rule: REFUSED_CALLS.name, alert_id: null });
  });
});

it('drops alerts long after their end, and nothing that still fires', async () => {
  await refuseAndTell(['a']);
  parts.clock.advanceMs(3_600_000);
  await everything(replica);
  await refuseAndTell(['b']);
  parts.clock.advanceMs(91 * 86_400_000);
  expect(await replica.retention.drop(100)).toBe(1);
  const { items } = await replica.alerts.list({ limit: 10 });
  expect(items.map(({ labels }) => labels['workload.subject'])).toEqual(['b']);
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CALLER } from '../audit/log-parts.js';
import { openSinks, type SinkParts, type SinkReplica } from './sink-parts.js';

const SECRET = `whsec_${Buffer.from('a secret of the test, 32 bytes..').toString('base64')}`;

interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly sequence: string;
  readonly specversion: string;
  readonly data: { readonly data: { readonly route?: string } };
}

/** A receiver that verifies each message, and that a test tells what to answer to it. */
class Hook {
  readonly taken: CloudEvent[] = [];
  readonly messages: { id: string; events: CloudEvent[] }[] = [];
  answer: (events: readonly CloudEvent[]) => number | Promise<number> = () => 204;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then(async (body) => {
        const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers;
        // By hand: the time is the test's, and the library takes none that is not its own.
        const genuine = new Webhook(SECRET).sign(String(id), new Date(Number(at) * 1_000), body);
        if (signature !== genuine) return response.writeHead(401).end();
        const events = JSON.parse(body) as CloudEvent[];
        if (request.headers['content-type'] !== 'application/cloudevents-batch+json')
          return response.writeHead(415).end();
        this.messages.push({ id: String(request.headers['webhook-id']), events });
        const status = await this.answer(events);
        if (status < 300) this.taken.push(...events);
        return response.writeHead(status).end();
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

const routeOf = (event: CloudEvent): string | undefined => event.data.data.route;

let hook: Hook;
let other: Hook;
let parts: SinkParts;
let replica: SinkReplica;

beforeEach(async () => {
  hook = new Hook();
  other = new Hook();
  const receiver = { kind: 'webhook', secret: SECRET, internal: true, begin: 'first', batch: 8 };
  parts = await openSinks({
    receivers: [
      { ...receiver, name: 'siem', url: await hook.start() },
      { ...receiver, name: 'other', url: await other.start(), kinds: ['sink.*', 'grant.approved'] },
    ],
    deadLetterAfterAttempts: 3,
    timeoutMs: 20_000,
  });
  replica = parts.replica();
  await replica.know();
  await parts.entries();
});

afterEach(async () => {
  await parts.stop();
  await hook.stop();
  await other.stop();
});

/** Goes on, a wait after the other, until the sink is at the end of the log or the rounds are over. */
async function untilCaughtUp(rounds = 12): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await parts.entries();
    await replica.follow('siem');
    const state = (await replica.states()).find(({ name }) => name === 'siem');
    await parts.entries();
    if (state?.attempts === 0 && state.lagEvents === 0) return;
    parts.clock.advanceMs(400_000);
  }
}

describe('a receiver that fails', () => {
  it('is sent the same events under the same ids until it takes them, and no letter is dead', async () => {
    hook.answer = () => (hook.messages.length < 4 ? 503 : 204);
    await parts.refuse('a', 'b', 'c');
    await untilCaughtUp();
    const log = await parts.entries();
    expect(hook.taken.slice(0, 5).map(({ id }) => id)).toEqual(log.slice(0, 5).map(({ event_id: id }) => id));
    expect(new Set(hook.messages.slice(1, 3).map(({ id }) => id)).size).toBe(1);
    expect((await replica.letters.list('siem', { limit: 10 })).items).toEqual([]);
  });

  it('is left alone in between, longer each time', async () => {
    hook.answer = () => 503;
    await replica.follow('siem');
    await replica.follow('siem');
    expect(hook.messages).toHaveLength(1);
    parts.clock.advanceMs(1_000);
    await replica.follow('siem');
    expect(hook.messages).toHaveLength(2);
    parts.clock.advanceMs(900);
    await replica.follow('siem');
    expect(hook.messages).toHaveLength(2);
    expect((await replica.states()).find(({ name }) => name === 'siem')).toMatchObject({
      attempts: 2,
      lastError: 'the receiver answered 503',
    });
  });

  it('that refuses everything puts nothing aside: it is at fault itself', async () => {
    hook.answer = () => 400;
    await parts.refuse('a', 'b', 'c');
    await untilCaughtUp(8);
    expect(hook.taken).toEqual([]);
    expect((await replica.letters.list('siem', { limit: 10 })).items).toEqual([]);
    hook.answer = () => 204;
    await untilCaughtUp();
    expect(hook.taken.filter((event) => routeOf(event) !== undefined).map(routeOf)).toEqual(['a', 'b', 'c']);
  });

  it('that is slow keeps nobody else waiting', async () => {
    let release = (): void => undefined;
    hook.answer = () => new Promise((resolve) => (release = () => resolve(204)));
    const slow = replica.follow('siem');
    await replica.follow('other');
    expect(other.taken.map(({ type }) => type)).toEqual(['leasegate.sink.created', 'leasegate.sink.created']);
    hook.answer = () => 204;
    while (hook.messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
    release();
    await slow;
    expect(hook.taken.length).toBeGreaterThan(0);
  });
});

describe('an event that a receiver will not take', () => {
  beforeEach(async () => {
    hook.answer = (events) => (events.some((event) => routeOf(event)?.startsWith('poison')) ? 422 : 204);
    await parts.refuse('a', 'poison-1', 'poison-2', 'b', 'c');
    await untilCaughtUp();
  });

  it('is put aside once a later one is taken, listed, and an event; the others arrive in order', async () => {
    expect(hook.taken.map(routeOf).filter((route) => route !== undefined)).toEqual(['a', 'b', 'c']);
    const { items } = await replica.letters.list('siem', { limit: 10 });
    expect(items).toMatchObject([
      { kind: 'call.refused', state: 'dead', attempts: 3, lastError: 'the receiver answered 422' },
      { kind: 'call.refused', state: 'dead', lastError: 'the receiver answered 422' },
    ]);
    const kinds = (await parts.entries()).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'sink.dead_lettered')).toHaveLength(2);
  });

  it('cannot be dropped by anybody before it is delivered', async () => {
    await expect(parts.dataSource.query('DELETE FROM sink_dead_letters')).rejects.toThrow('is kept until');
    await expect(parts.dataSource.query('TRUNCATE sink_dead_letters')).rejects.toThrow('refused');
    await expect(parts.dataSource.query('UPDATE sinks SET next_index = 0')).rejects.toThrow(
      'never goes back',
    );
  });

  it('is tried again when asked, and stays when it is refused again', async () => {
    const [first] = (await replica.letters.list('siem', { limit: 10 })).items;
    await expect(replica.letters.retry(CALLER, 'nobody')).rejects.toMatchObject({ code: 'not_found' });
    expect(await replica.letters.retry(CALLER, 'siem', [String(first?.id)])).toBe(1);
    await untilCaughtUp();
    expect((await replica.letters.list('siem', { state: 'dead', limit: 10 })).items).toHaveLength(2);
    hook.answer = () => 204;
    expect(await replica.letters.retry(CALLER, 'siem')).toBe(2);
    await untilCaughtUp();
    expect((await replica.letters.list('siem', { state: 'delivered', limit: 10 })).items).toHaveLength(2);
    expect(hook.taken.map(routeOf)).toEqual(expect.arrayContaining(['poison-1', 'poison-2']));
  });
});

describe('a sink', () => {
  it('that is behind is an event once, and another when it has caught up', async () => {
    hook.answer = () => 503;
    await parts.refuse('a');
    await replica.follow();
    parts.clock.advanceMs(301_000);
    await replica.watch.look();
    await replica.watch.look();
    const lagging = (await parts.entries()).filter(({ kind }) => kind === 'sink.lagging');
    expect(lagging).toHaveLength(1);
    hook.answer = () => 204;
    await untilCaughtUp();
    await replica.watch.look();
    const kinds = (await parts.entries()).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'sink.caught_up')).toHaveLength(1);
  });

  it('that another replica took over is not moved by the former one', async () => {
    await parts.refuse('a', 'b');
    const zombie = parts.replica();
    let release = (): void => undefined;
    hook.answer = () => new Promise((resolve) => (release = () => resolve(204)));
    const frozen = zombie.follow('siem');
    while (hook.messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
    hook.answer = () => 204;
    await replica.follow('siem');
    const before = await replica.states();
    release();
    expect(await frozen).toBe(0);
    expect(await replica.states()).toEqual(before);
  });

  it('loses nothing when it is ended in the middle of a delivery', async () => {
    await parts.refuse(...Array.from({ length: 30 }, (_, index) => `route-${index}`));
    for (let round = 0; round < 6; round += 1) {
      const stop = new AbortController();
      hook.answer = async () => {
        if (hook.messages.length % 3 === 2) stop.abort();
        return 204;
      };
      await replica.follow('siem', stop.signal);
    }
    hook.answer = () => 204;
    await untilCaughtUp();
    const log = await parts.entries();
    const seen = new Set(hook.taken.map(({ id }) => id));
    expect(log.filter(({ event_id: id }) => !seen.has(id))).toEqual([]);
    expect(hook.taken.every(({ specversion }) => specversion === '1.0')).toBe(true);
  });

  it('says in the log what was archived before it could be sent', async () => {
    await parts.refuse('a', 'b');
    await parts.dataSource.query('ALTER TABLE audit_entry DISABLE TRIGGER ALL');
    await parts.dataSource.query('ALTER TABLE audit_entry_0 DISABLE TRIGGER ALL');
    await parts.dataSource.query('DELETE FROM audit_entry WHERE idx < 3');
    await untilCaughtUp();
    expect(hook.taken.map(routeOf)).toEqual(expect.arrayContaining(['b']));
    expect((await parts.entries()).map(({ kind }) => kind)).toContain('sink.missed');
  });

  it('with a kind that there is not fails the start', async () => {
    await expect(
      openSinks({ receivers: [{ kind: 'file', name: 'f', path: '/tmp/x', kinds: ['lease.nothing'] }] }).then(
        async (opened) => {
          try {
            opened.replica();
          } finally {
            await opened.stop();
          }
        },
      ),
    ).rejects.toThrow('there is no event of the kind lease.nothing');
  });
});

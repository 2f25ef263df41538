import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerResponse } from 'node:http';
import { until } from '../../support/until.js';
import { GatewayWorld } from './gateway-world.js';

let world: GatewayWorld;
let replica: Awaited<ReturnType<GatewayWorld['broker']['replica']>>;
let token: string;
/** Streams that the provider has open, by path. */
const open = new Map<string, ServerResponse>();

beforeAll(async () => {
  world = await GatewayWorld.start();
  replica = await world.broker.replica();
  for (const path of ['/live', '/echo', '/endless', '/broken']) {
    world.upstream.on('GET', path, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      open.set(path, response);
    });
  }
  const stream = { stream: true };
  for (const path of ['/packed', '/revealing']) {
    world.upstream.on('GET', path, (_, response) => {
      open.set(path, response);
      const more = path === '/packed' ? { 'content-encoding': 'zstd' } : { etag: world.key };
      response.writeHead(200, { 'content-type': 'text/event-stream', ...more }).flushHeaders();
    });
  }
  await world.tools(
    { name: 'packed', response: { stream: true } },
    { name: 'revealing', response: { stream: true }, scrub: { response: 'block' } },
    { name: 'live', response: stream },
    { name: 'echo', response: stream },
    { name: 'echo-blocked', path: '/echo', response: stream, scrub: { response: 'block' } },
    { name: 'endless', response: { ...stream, max_bytes: 10_000 } },
    { name: 'broken', response: stream },
    {
      name: 'counted',
      path: '/live',
      response: stream,
      limits: { concurrent: [{ per: 'run', max: 1 }] },
    },
  );
  token = await world.runWith('streams', [
    'live',
    'echo',
    'echo-blocked',
    'endless',
    'broken',
    'counted',
    'packed',
    'revealing',
  ]);
}, 240_000);
afterAll(async () => {
  await replica.stop();
  await world.stop();
});

/** A stream as its caller reads it: what came so far, and how it ended. */
class Reading {
  text = '';
  ended: 'whole' | 'cut' | undefined;
  readonly id: string;
  readonly done: Promise<void>;

  constructor(
    response: Response,
    private readonly abort: AbortController,
  ) {
    this.id = response.headers.get('leasegate-call') ?? '';
    this.done = this.read(response);
  }

  /** Hangs up. */
  hangUp(): void {
    this.abort.abort();
  }

  private async read(response: Response): Promise<void> {
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        this.text += Buffer.from(chunk).toString('utf8');
      }
      this.ended = 'whole';
    } catch {
      this.ended = 'cut';
    }
  }
}

async function start(
  path: string,
  {
    url = world.broker.baseUrl,
    as = token,
    way = 'provider',
  }: { url?: string; as?: string; way?: string } = {},
): Promise<Reading> {
  open.delete(path);
  const abort = new AbortController();
  const { signal } = abort;
  const headers = { authorization: `Bearer ${as}` };
  const tool = path.slice(1);
  const response =
    way === 'provider'
      ? fetch(`${url}/g/${tool}${path}`, { headers, signal })
      : fetch(`${url}/v1/tools/${tool}/call`, {
          method: 'POST',
          headers: { ...headers, accept: 'text/event-stream', 'content-type': 'application/json' },
          body: '{}',
          signal,
        });
  await until(() => open.get(path), { what: 'the request at the provider' });
  // The head comes before the first event does.
  return new Reading(await response, abort);
}

async function endOf(reading: Reading): Promise<Readonly<Record<string, unknown>>> {
  const [event] = await world.events(
    1,
    ({ kind, data }) => kind === 'call.ended' && data['call_id'] === reading.id,
  );
  return { code: event?.code, result: event?.data['result'], findings: event?.data['findings'] };
}

describe('a stream', () => {
  it.each([
    ['packed', 'response_unreadable'],
    ['revealing', 'response_blocked'],
  ])('that cannot be passed on is let go of at once: %s', async (name, code) => {
    const headers = { authorization: `Bearer ${token}` };
    const refused = await fetch(`${world.broker.baseUrl}/g/${name}/${name}`, { headers });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([502, code]);
    await until(() => open.get(`/${name}`)?.destroyed === true);
  });

  it.each(['provider', 'name'])('is passed on as it comes: by %s', async (way) => {
    const reading = await start('/live', { way });
    const provider = open.get('/live');
    for (const word of ['one', 'two', 'three']) {
      provider?.write(`data: ${word}\n\n`);
      // The one that is passed on while the next has not been sent.
      await until(() => reading.text.includes(`data: ${word}\n\n`));
    }
    expect(reading.ended).toBeUndefined();
    provider?.end();
    await reading.done;
    expect(reading.ended).toBe('whole');
    expect(await endOf(reading)).toMatchObject({ result: 'success' });
  });

  it('never shows the key, not in pieces either', async () => {
    const reading = await start('/echo');
    const provider = open.get('/echo');
    const line = `data: you sent ${world.key} to us\n\n`;
    for (const character of line) {
      provider?.write(character);
      await new Promise(setImmediate);
    }
    provider?.end();
    await reading.done;
    expect(reading.text).toContain('data: you sent [redacted:credential] to us\n\n');
    expect(reading.text).not.toContain(world.key.slice(0, 12));
    expect(await endOf(reading)).toMatchObject({
      result: 'success',
      findings: [{ kind: 'credential', count: 1 }],
    });
  });

  it('of a model, which spreads the key and an address over its events, shows neither', async () => {
    const reading = await start('/live');
    const provider = open.get('/live');
    const event = (content: string): string =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
    const words = [...`Send ${world.key} to ann.lee@example.com, `];
    for (const character of words) {
      provider?.write(event(character));
      await new Promise(setImmediate);
    }
    provider?.write(event('please'));
    // The last word comes although nothing follows it.
    await until(() => reading.text.includes('"please"'), { what: 'the word that was held back' });
    provider?.end('data: [DONE]\n\n');
    await reading.done;
    const contents = [...reading.text.matchAll(/"content":"([^"]*)"/g)].map(([, content]) => content);
    expect(contents).toHaveLength(words.length + 1);
    expect(contents.join('')).toBe('Send [redacted:credential] to [redacted:email], please');
    expect(await endOf(reading)).toMatchObject({
      result: 'success',
      findings: [
        { kind: 'credential', count: 1 },
        { kind: 'email', count: 1 },
      ],
    });
  });

  it('is cut where something comes that must not', async () => {
    open.delete('/echo');
    const response = await Promise.all([
      fetch(`${world.broker.baseUrl}/g/echo-blocked/echo`, { headers: { authorization: `Bearer ${token}` } }),
      until(() => open.get('/echo')),
    ]);
    const reading = new Reading(response[0], new AbortController());
    open.get('/echo')?.write(`data: ${world.key}\n\n`);
    await reading.done;
    expect(reading.ended).toBe('cut');
    expect(reading.text).not.toContain(world.key);
    expect(await endOf(reading)).toMatchObject({ code: 'response_blocked', result: 'refused' });
    await until(() => open.get('/echo')?.destroyed === true);
  });

  it('is cut when it becomes too large', async () => {
    const reading = await start('/endless');
    for (let line = 0; line < 200; line += 1) open.get('/endless')?.write(`data: ${'x'.repeat(100)}\n\n`);
    await reading.done;
    expect(reading.ended).toBe('cut');
    expect(reading.text.length).toBeLessThanOrEqual(10_000);
    expect(await endOf(reading)).toMatchObject({ code: 'response_too_large' });
  });

  it('that the provider breaks off is broken off for the caller, too', async () => {
    const reading = await start('/broken');
    open.get('/broken')?.destroy();
    await reading.done;
    expect(reading.ended).toBe('cut');
    expect(await endOf(reading)).toMatchObject({ result: 'failure' });
  });

  it('ends at the provider when the caller hangs up, and counts no longer', async () => {
    open.delete('/live');
    const headers = { authorization: `Bearer ${token}` };
    const abort = new AbortController();
    const pending = fetch(`${world.broker.baseUrl}/g/counted/live`, { headers, signal: abort.signal });
    const reading = new Reading(await pending, abort);
    const second = await fetch(`${world.broker.baseUrl}/g/counted/live`, { headers });
    expect([second.status, ((await second.json()) as { code: string }).code]).toEqual([
      429,
      'concurrency_limited',
    ]);
    reading.hangUp();
    await until(() => open.get('/live')?.destroyed === true);
    expect(await endOf(reading)).toMatchObject({ code: 'call_cancelled', result: 'failure' });
  });
});

describe('revocation', () => {
  it('closes the streams of a run within a second, on every replica, and no others', async () => {
    const ending = await world.runToken('streams', { runId: 'run-that-ends' });
    const here = await start('/live', { as: ending });
    const there = await start('/live', { as: ending, url: replica.url });
    const other = await start('/live', { url: replica.url });
    const closed = await world.broker.call('DELETE', '/v1/runs/self', { token: ending });
    expect(closed.status).toBe(200);
    const beganMs = performance.now();
    await Promise.all([here.done, there.done]);
    expect(performance.now() - beganMs).toBeLessThan(1_000);
    expect([here.ended, there.ended, other.ended]).toEqual(['cut', 'cut', undefined]);
    expect(await endOf(here)).toMatchObject({ code: 'run_closed', result: 'refused' });
    expect(await endOf(there)).toMatchObject({ code: 'run_closed', result: 'refused' });
    other.hangUp();
    await other.done;
  });

  it('of a grant closes the streams of all its runs', async () => {
    const own = await world.runWith('revoked', ['live']);
    const reading = await start('/live', { as: own, url: replica.url });
    const { body } = await world.admin('GET', '/v1/grants?limit=200');
    const id = (body as { items: { id: string; name: string }[] }).items.find(
      ({ name }) => name === 'revoked',
    )?.id;
    const revoked = await world.admin('POST', `/v1/grants/${id}/revoke`, { reason: 'test' });
    expect(revoked.status).toBe(200);
    const beganMs = performance.now();
    await reading.done;
    expect(performance.now() - beganMs).toBeLessThan(1_000);
    expect((await endOf(reading))['code']).toMatch(/^(grant_not_active|run_closed)$/);
  });
});

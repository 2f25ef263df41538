import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { ManualClock } from '../../../../src/kernel/clock.js';
import { TestCa } from '../../../support/certificates.js';
import { gatewaySettings, outboundParts, textOf } from '../../../support/outbound-parts.js';
import { until } from '../../../support/until.js';
import { startUpstream, type Upstream } from '../../../support/upstream.js';

const RETIRED_MS = 601_000;
let upstream: Upstream;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await upstream.stop();
});

function started(options: Parameters<typeof outboundParts>[0] = {}): ReturnType<typeof outboundParts> {
  const parts = outboundParts(options);
  stops.push(() => parts.stop());
  return parts;
}

const at = (path: string): URL => new URL(path, upstream.origin);

describe('pools', () => {
  it('do not send what was given up while it waited for a connection', async () => {
    const parts = started({ settings: gatewaySettings({ connectionsPerHost: 1 }) });
    let release: (() => void) | undefined;
    upstream.on('GET', '/slow', (_request, response) => {
      release = () => void response.end('slow');
    });
    upstream.json('GET', '/next', 'next');
    const { caFile } = upstream;
    const slow = parts.send({ url: at('/slow') }, { caFile });
    await until(() => release);
    const abort = new AbortController();
    let sent = 0;
    const waiting = parts.send(
      { url: at('/waiting') },
      { caFile, signal: abort.signal, onSent: () => (sent += 1) },
    );
    const next = parts.send({ url: at('/next') }, { caFile });
    abort.abort(new BrokerError('run_closed'));
    await expect(waiting).rejects.toMatchObject({ code: 'run_closed' });
    release?.();
    expect([await textOf(await slow), await textOf(await next)]).toEqual(['slow', '"next"']);
    expect(upstream.requests.map(({ path }) => path)).toEqual(['/slow', '/next']);
    expect([sent, upstream.connections]).toEqual([0, 1]);
  });

  it('read a CA file again after a while, and let open streams be', async () => {
    const clock = new ManualClock(new Date('2026-11-03T12:00:00Z'));
    const parts = started({ clock });
    let finish: (() => void) | undefined;
    upstream.on('GET', '/stream', (_request, response) => {
      response.write('first ');
      finish = () => void response.end('last');
    });
    upstream.json('GET', '/', {});
    const { caFile } = upstream;
    const stream = await parts.send({ url: at('/stream') }, { caFile });
    await writeFile(caFile, new TestCa().cert);
    await textOf(await parts.send({ url: at('/') }, { caFile }));
    clock.advanceMs(RETIRED_MS);
    await expect(parts.send({ url: at('/') }, { caFile })).rejects.toMatchObject({
      code: 'upstream_tls_refused',
    });
    finish?.();
    expect(await textOf(stream)).toBe('first last');
  });

  it('end two hundred streams at once, and connect no more', async () => {
    const parts = started();
    upstream.on('GET', '/stream', (_request, response) => void response.write('data: 1\n\n'));
    const { caFile } = upstream;
    const aborts = Array.from({ length: 200 }, () => new AbortController());
    const streams = await Promise.all(
      aborts.map(({ signal }) => parts.send({ url: at('/stream') }, { caFile, signal, timeoutMs: 20_000 })),
    );
    const connections = upstream.connections;
    const reading = streams.map((stream) => textOf(stream).catch((error: unknown) => error));
    for (const abort of aborts) abort.abort(new BrokerError('run_closed'));
    const ends = await Promise.all(reading);
    expect(new Set(ends.map((end) => (end as BrokerError).code))).toEqual(new Set(['run_closed']));
    await until(() => upstream.openConnections === 0);
    expect(upstream.connections).toBe(connections);
  });
});

import { afterEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../../src/kernel/clock.js';
import {
  gatewaySettings,
  outboundParts,
  textOf,
  type OutboundParts,
} from '../../../support/outbound-parts.js';
import { startRawUpstream } from '../../../support/raw-upstream.js';
import { startUpstream } from '../../../support/upstream.js';
import { until } from '../../../support/until.js';

const PUBLIC = '93.184.215.14';
const NAME = 'api.provider.example';
const url = new URL(`https://${NAME}/v1`);
const outside = { internal: false };
let parts: OutboundParts | undefined;

afterEach(async () => {
  vi.unstubAllEnvs();
  await parts?.stop();
});

describe('vetting', () => {
  it.each([
    ['http', 'http://api.provider.example/'],
    ['another scheme', 'ftp://api.provider.example/'],
    ['a port that is not listed', 'https://api.provider.example:8443/'],
    ['userinfo', 'https://user@api.provider.example/'],
    ['a password', 'https://:secret@api.provider.example/'],
  ])('refuses %s', async (_, address) => {
    parts = outboundParts();
    parts.resolver.answer(NAME, [PUBLIC]);
    await expect(parts.destinations.vet(new URL(address), outside)).rejects.toMatchObject({
      code: 'destination_refused',
    });
    expect(parts.resolver.asked).toEqual([]);
  });

  it('refuses ourselves, by name for everyone and by port for internal tools', async () => {
    const server = { port: 8480, publicUrl: 'https://leasegate.provider.example' };
    parts = outboundParts({ settings: gatewaySettings({}, server) });
    parts.resolver.answer('leasegate.provider.example', [PUBLIC]).answer(NAME, ['127.0.0.9']);
    for (const [address, internal] of [
      ['https://leasegate.provider.example/', false],
      ['https://leasegate.provider.example/', true],
      ['http://127.0.0.1:8480/', true],
      ['http://127.8.8.8:8480/', true],
      ['http://[::1]:8480/', true],
      [`http://${NAME}:8480/`, true],
    ] as const) {
      await expect(parts.destinations.vet(new URL(address), { internal })).rejects.toMatchObject({
        code: 'destination_refused',
      });
    }
    expect(await parts.destinations.vet(new URL('http://127.0.0.1:8481/'), { internal: true })).toEqual([
      '127.0.0.1',
    ]);
  });

  it('says that a name does not resolve, also when the resolver says nothing', async () => {
    parts = outboundParts();
    await expect(parts.destinations.vet(url, outside)).rejects.toMatchObject({
      code: 'destination_unresolvable',
    });
    parts.resolver.answer(NAME, []);
    await expect(parts.destinations.vet(url, outside)).rejects.toMatchObject({
      code: 'destination_unresolvable',
    });
  });

  it('does not tell which address was refused', async () => {
    parts = outboundParts();
    parts.resolver.answer(NAME, [PUBLIC, '10.11.12.13']);
    await expect(parts.destinations.vet(url, outside)).rejects.toThrow(/^((?!10\.11).)*$/);
  });

  it('takes listed ports, and any for internal tools', async () => {
    parts = outboundParts({ settings: gatewaySettings({ allowedPorts: [443, 8443] }) });
    parts.resolver.answer(NAME, [PUBLIC]);
    expect(await parts.destinations.vet(new URL(`https://${NAME}:8443/`), outside)).toEqual([PUBLIC]);
    expect(await parts.destinations.vet(new URL(`http://${NAME}:9/`), { internal: true })).toEqual([PUBLIC]);
  });

  it('holds for five seconds, asks once for all who wait, and anew beside them before', async () => {
    const clock = new ManualClock(new Date('2026-11-03T12:00:00Z'));
    parts = outboundParts({ clock });
    const { destinations, resolver } = parts;
    resolver.answer(NAME, (time) => [`93.184.215.${time}`]);
    await Promise.all([destinations.vet(url, outside), destinations.vet(url, outside)]);
    expect(resolver.asked).toHaveLength(1);
    clock.advanceMs(2_600);
    expect(await destinations.vet(url, outside)).toEqual(['93.184.215.0']);
    await until(async () => (await destinations.vet(url, outside))[0] === '93.184.215.1');
    expect(resolver.asked).toHaveLength(2);
    clock.advanceMs(5_001);
    expect(await destinations.vet(url, outside)).toEqual(['93.184.215.2']);
    // What an internal tool may reach says nothing about the others.
    await destinations.vet(url, { internal: true });
    expect(resolver.asked).toHaveLength(4);
  });
});

describe('rebinding', () => {
  it('gains nothing between check and connect: only the vetted address is connected to', async () => {
    const good = await startUpstream({ names: [NAME] });
    good.json('GET', '/', 'good');
    parts = outboundParts();
    // From the second question on the name leads to an address where nobody listens.
    parts.resolver.answer(NAME, (time) => [time === 0 ? '127.0.0.1' : '127.0.0.77']);
    try {
      for (let call = 0; call < 4; call += 1) {
        const answer = await parts.send(
          { url: new URL(`https://${NAME}:${good.port}/`) },
          { caFile: good.caFile },
        );
        expect(answer.address).toBe('127.0.0.1');
        expect(await textOf(answer)).toBe('"good"');
      }
      expect(parts.resolver.asked).toEqual([NAME]);
    } finally {
      await good.stop();
    }
  });

  it('is seen at the next vetting, whatever connections are still there', async () => {
    const clock = new ManualClock(new Date('2026-11-03T12:00:00Z'));
    const good = await startUpstream({ names: [NAME] });
    good.json('GET', '/', 'good');
    parts = outboundParts({ clock });
    parts.resolver.answer(NAME, (time) => [time === 0 ? '127.0.0.1' : '169.254.169.254']);
    const call = () =>
      parts?.send({ url: new URL(`https://${NAME}:${good.port}/`) }, { caFile: good.caFile });
    try {
      const answer = await call();
      if (answer !== undefined) await textOf(answer);
      clock.advanceMs(5_001);
      await expect(call()).rejects.toMatchObject({ code: 'destination_refused' });
      await expect(call()).rejects.toMatchObject({ code: 'destination_refused' });
      expect(good.requests).toHaveLength(1);
    } finally {
      await good.stop();
    }
  });

  it('turns a public name private for nobody: every flip is refused', async () => {
    const clock = new ManualClock(new Date('2026-11-03T12:00:00Z'));
    parts = outboundParts({ clock });
    const { destinations, resolver } = parts;
    resolver.answer(NAME, (time) => (time % 2 === 0 ? [PUBLIC] : [PUBLIC, '127.0.0.1']));
    for (let turn = 0; turn < 20; turn += 1) {
      const vetted = destinations.vet(url, outside);
      if (turn % 2 === 0) expect(await vetted).toEqual([PUBLIC]);
      else await expect(vetted).rejects.toMatchObject({ code: 'destination_refused' });
      clock.advanceMs(5_001);
    }
  });
});

describe('addresses and proxies', () => {
  it('tries the next vetted address when one does not answer, and remembers it', async () => {
    const good = await startUpstream({ names: [NAME] });
    good.json('POST', '/', 'good');
    parts = outboundParts();
    parts.resolver.answer(NAME, ['127.0.0.77', '127.0.0.1']);
    const call = { method: 'POST', url: new URL(`https://${NAME}:${good.port}/`) } as const;
    try {
      for (let round = 0; round < 2; round += 1) {
        const answer = await parts.send(call, { caFile: good.caFile });
        expect(answer.address).toBe('127.0.0.1');
        await textOf(answer);
      }
    } finally {
      await good.stop();
    }
    await expect(parts.send(call, { caFile: good.caFile })).rejects.toMatchObject({ status: 502 });
  });

  it('ignores proxies of the environment', async () => {
    const proxy = await startRawUpstream(() => 'HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n');
    const good = await startUpstream();
    good.json('GET', '/', 'good');
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY', 'all_proxy']) {
      vi.stubEnv(name, proxy.origin);
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    parts = outboundParts();
    try {
      expect(await textOf(await parts.send({ url: new URL(good.origin) }, { caFile: good.caFile }))).toBe(
        '"good"',
      );
      expect(proxy.connections).toBe(0);
    } finally {
      await proxy.stop();
      await good.stop();
    }
  });
});

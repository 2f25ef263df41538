import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EgressGroups } from '../../../../src/gateway/shadow/egress-groups.js';
import type { EgressRecord } from '../../../../src/gateway/shadow/egress-record.js';
import { BATCH_BYTES, readLines } from '../../../../src/gateway/shadow/log-lines.js';
import { managedHosts } from '../../../../src/gateway/shadow/managed-hosts.js';
import { OwnIdentity } from '../../../../src/gateway/shadow/own-identity.js';
import { toolSpecSchema } from '../../../../src/gateway/tool/tool-spec.js';

const RECORD: EgressRecord = {
  at: new Date('2026-01-02T09:00:00Z'),
  host: 'api.example.com',
  evidence: 'connection',
  allowed: true,
  source: '10.0.1.7',
  count: 1,
};

describe('whose a record is', () => {
  const own = new OwnIdentity({
    addresses: ['10.0.0.0/24', '10.9.9.9', '2001:db8:1::/64'],
    serviceAccounts: ['leasegate/broker'],
    users: ['gateway'],
  });

  it.each<[string, Partial<EgressRecord>, boolean]>([
    ['nothing is known', { source: undefined } as never, false],
    ['another address', {}, false],
    [
      'another service account behind our address',
      { source: '10.0.0.5', serviceAccount: 'jobs/nightly' },
      false,
    ],
    ['another user behind our address', { source: '10.0.0.5', user: 'nightly' }, false],
    ['another family', { source: '::a00:5' }, false],
    ['our network', { source: '10.0.0.5' }, true],
    ['our address', { source: '10.9.9.9' }, true],
    ['our network of IPv6', { source: '2001:db8:1::7' }, true],
    ['our service account, from anywhere', { serviceAccount: 'leasegate/broker' }, true],
    ['our user, from anywhere', { user: 'gateway' }, true],
  ])('%s', (_, more, expected) => {
    expect(own.owns({ ...RECORD, ...more })).toBe(expected);
  });

  it('is by address where the settings name no service account', () => {
    const byAddress = new OwnIdentity({ addresses: ['10.0.0.0/24'], serviceAccounts: [], users: [] });
    expect(byAddress.owns({ ...RECORD, source: '10.0.0.5', serviceAccount: 'leasegate/broker' })).toBe(true);
  });

  it('is never ours when the settings say nothing', () => {
    const nobody = new OwnIdentity({ addresses: [], serviceAccounts: [], users: [] });
    expect(nobody.owns({ ...RECORD, serviceAccount: 'leasegate/broker', user: 'gateway' })).toBe(false);
  });
});

describe('managed hosts', () => {
  const tool = (name: string, more: object): ReturnType<typeof toolSpecSchema.parse> =>
    toolSpecSchema.parse({ name, method: 'GET', url: 'https://api.example.com/v1', labels: {}, ...more });

  it('are those of URLs, redirects and token endpoints, each once', () => {
    const hosts = managedHosts([
      tool('b', {
        url: 'https://api.example.com:8443/v1/{id}',
        redirects: ['https://files.example.com/{x}'],
      }),
      tool('a', {}),
      tool('c', { url: 'http://10.1.2.3:8080/x', internal: true }),
      tool('d', {
        url: 'https://z.example.com/',
        credential: {
          name: 'k',
          inject: { as: 'oauth-client-credentials', token_url: 'https://login.example.com/token' },
        },
      }),
    ]);
    expect(hosts).toEqual([
      { host: '10.1.2.3', ports: [8080], internal: true, tools: ['c'] },
      { host: 'api.example.com', ports: [443, 8443], internal: false, tools: ['a', 'b'] },
      { host: 'files.example.com', ports: [443], internal: false, tools: ['b'] },
      { host: 'login.example.com', ports: [443], internal: false, tools: ['d'] },
      { host: 'z.example.com', ports: [443], internal: false, tools: ['d'] },
    ]);
  });
});

describe('groups', () => {
  it('add up what belongs together, by day, and name service accounts as their tokens do', () => {
    const groups = new EgressGroups();
    groups.add({ ...RECORD, serviceAccount: 'jobs/nightly', count: 2 });
    groups.add({ ...RECORD, serviceAccount: 'jobs/nightly', at: new Date('2026-01-02T08:00:00Z') });
    groups.add({ ...RECORD, serviceAccount: 'jobs/nightly', at: new Date('2026-01-03T08:00:00Z') });
    groups.add({ ...RECORD, allowed: false });
    expect(groups.all().map(({ day, workload, allowed, count }) => [day, workload, allowed, count])).toEqual([
      ['2026-01-02', undefined, false, 1],
      ['2026-01-02', 'system:serviceaccount:jobs:nightly', true, 3],
      ['2026-01-03', 'system:serviceaccount:jobs:nightly', true, 1],
    ]);
  });

  it('stay few however many places a log names, and lose no count', () => {
    const groups = new EgressGroups();
    for (let n = 0; n < 5_000; n += 1) groups.add({ ...RECORD, source: `10.${n >> 8}.${n & 255}.1` });
    expect(groups.all()).toHaveLength(1_001);
    expect(groups.all().reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
  });
});

describe('lines of a stream', () => {
  async function* cut(text: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
    let at = 0;
    for (let n = 0; at < text.length; n += 1) {
      const size = sizes[n % sizes.length] ?? 1;
      yield text.subarray(at, at + size);
      at += size;
    }
  }

  it('are refused beyond the bound, and cut when too long', async () => {
    const large = (async function* () {
      for (let n = 0; n < 70; n += 1) yield Buffer.alloc(1_048_576, 'x');
    })();
    expect(70 * 1_048_576).toBeGreaterThan(BATCH_BYTES);
    await expect(readLines(large, () => undefined)).rejects.toMatchObject({ code: 'request_too_large' });
    const seen: string[] = [];
    await readLines(cut(Buffer.from(`${'y'.repeat(200_000)}\nz`), [50_000]), (line) => void seen.push(line));
    expect(seen.map(({ length }) => length)).toEqual([65_536, 1]);
  });

  it('are the same wherever the stream is cut, and so is the digest', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '😀', '\r', ' ') })),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 }),
        async (lines, sizes) => {
          const text = Buffer.from(lines.join('\n'));
          const seen: string[] = [];
          const read = await readLines(cut(text, sizes), (line) => void seen.push(line));
          const expected = lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
          expect(seen).toEqual(expected.filter((line) => line !== ''));
          expect(read.lines).toBe(seen.length);
          expect(read.digest).toEqual(createHash('sha256').update(text).digest());
        },
      ),
      { seed: 20_261_121, numRuns: 300 },
    );
  });
});

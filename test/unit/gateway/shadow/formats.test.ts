import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EGRESS_READERS, type EgressFormat } from '../../../../src/gateway/shadow/format/formats.js';
import type { ReadLine } from '../../../../src/gateway/shadow/egress-record.js';
import { readVaultAudit } from '../../../../src/gateway/shadow/vault-audit-line.js';

const RECEIVED = new Date('2026-01-02T10:00:00Z');
const read = (format: EgressFormat, line: unknown): ReadLine =>
  EGRESS_READERS[format](typeof line === 'string' ? line : JSON.stringify(line), RECEIVED);

const HUBBLE = {
  flow: {
    time: '2026-01-02T09:00:00.123456789Z',
    verdict: 'FORWARDED',
    IP: { source: '10.0.1.7', destination: '203.0.113.9', ipVersion: 'IPv4' },
    l4: { TCP: { source_port: 51234, destination_port: 443, flags: { SYN: true } } },
    source: {
      namespace: 'jobs',
      pod_name: 'nightly-abc',
      labels: ['k8s:app=nightly', 'k8s:io.cilium.k8s.policy.serviceaccount=nightly'],
    },
    destination: { labels: ['reserved:world'] },
    destination_names: ['api.example.com'],
    traffic_direction: 'EGRESS',
    is_reply: false,
  },
  node_name: 'node-1',
  time: '2026-01-02T09:00:00.123456789Z',
};

const ENVOY = {
  authority: 'api.example.com:443',
  requested_server_name: null,
  start_time: '2026-01-02T09:00:00.123Z',
  downstream_remote_address: '10.0.1.7:51234',
  method: 'POST',
  path: '/v1/x',
  response_code: 200,
  response_code_details: 'via_upstream',
  response_flags: '-',
  upstream_host: '203.0.113.9:443',
};

describe('lines that are not of the format', () => {
  it.each<[EgressFormat, unknown]>([
    ['squid', ''],
    ['squid', 'hello'],
    ['squid', '1767344400.123 310 10.0.1.7 TCP_TUNNEL/200 3962 CONNECT'],
    [
      'squid',
      'yesterday 310 10.0.1.7 TCP_TUNNEL/200 3962 CONNECT api.example.com:443 - HIER_DIRECT/203.0.113.9 -',
    ],
    ['squid', '1767344400.123 310 10.0.1.7 TCP_TUNNEL/200 3962 GET not-a-url - HIER_DIRECT/203.0.113.9 -'],
    ['envoy-json', '[1]'],
    ['envoy-json', { authority: 'api.example.com' }],
    ['envoy-json', { ...ENVOY, start_time: 'now' }],
    ['envoy-json', { ...ENVOY, authority: 'a b' }],
    ['cilium-hubble', {}],
    ['cilium-hubble', { flow: { IP: {} } }],
    ['dns-dnsmasq', 'query[A] api.example.com from 10.0.1.7'],
    ['dns-dnsmasq', 'Foo  2 09:00:00 dnsmasq[1]: query[A] api.example.com from 10.0.1.7'],
    ['jsonl', { time: '2026-01-02T09:00:00Z' }],
    ['jsonl', { time: 'x', host: 'api.example.com' }],
    ['jsonl', { time: '2026-01-02T09:00:00Z', host: 'api.example.com', count: 0 }],
    ['jsonl', { time: '2026-01-02T09:00:00Z', host: 'api.example.com', service_account: 'no-namespace' }],
  ])('%s: %j', (format, line) => {
    expect(read(format, line)).toBe('unreadable');
  });

  it('whatever they are, no reader throws', () => {
    const any = fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(EGRESS_READERS) as EgressFormat[])),
        any,
        (format, line) => {
          read(format, line);
          readVaultAudit(line);
        },
      ),
      { seed: 20_261_121, numRuns: 2_000 },
    );
  });
});

describe('lines that say nothing about what left', () => {
  it.each<[EgressFormat, unknown]>([
    [
      'squid',
      '1767344400.123 0 10.0.1.7 NONE_NONE/000 0 NONE error:transaction-end-before-headers - HIER_NONE/- -',
    ],
    ['envoy-json', { ...ENVOY, authority: null }],
    ['cilium-hubble', { ...HUBBLE, flow: { ...HUBBLE.flow, is_reply: true } }],
    ['cilium-hubble', { ...HUBBLE, flow: { ...HUBBLE.flow, traffic_direction: 'INGRESS' } }],
    ['cilium-hubble', { lost_events: { source: 'PERF_EVENT_RING_BUFFER' } }],
    [
      'cilium-hubble',
      { ...HUBBLE, flow: { ...HUBBLE.flow, l7: { type: 'RESPONSE', dns: { query: 'a.example.' } } } },
    ],
    ['dns-dnsmasq', 'Jan  2 09:00:00 dnsmasq[1]: reply api.example.com is 203.0.113.9'],
    ['dns-dnsmasq', 'Jan  2 09:00:00 dnsmasq-dhcp[1]: DHCPREQUEST(eth0) 10.0.1.7'],
  ])('%s: %j', (format, line) => {
    expect(read(format, line)).toBe('other');
  });
});

describe('what is read', () => {
  const host = 'api.example.com';
  const at = new Date('2026-01-02T09:00:00.123Z');

  it.each<[string, EgressFormat, unknown, object]>([
    [
      'a tunnel',
      'squid',
      '1767344400.123    310 10.0.1.7 TCP_TUNNEL/200 3962 CONNECT API.example.com.:443 - HIER_DIRECT/203.0.113.9 -',
      { at, host, evidence: 'request', allowed: true, source: '10.0.1.7' },
    ],
    [
      'a request that was denied, with a user',
      'squid',
      '1767344400.123 1 ::ffff:10.0.1.7 TCP_DENIED/403 3962 GET http://api.example.com/v1 nightly HIER_NONE/- text/html',
      { at, host, allowed: false, source: '10.0.1.7', user: 'nightly' },
    ],
    ['a request', 'envoy-json', ENVOY, { at, host, evidence: 'request', allowed: true, source: '10.0.1.7' }],
    [
      'a connection with its peer',
      'envoy-json',
      {
        ...ENVOY,
        method: null,
        authority: null,
        requested_server_name: host,
        downstream_peer_uri_san: 'spiffe://cluster.local/ns/jobs/sa/nightly',
      },
      { host, evidence: 'connection', serviceAccount: 'jobs/nightly' },
    ],
    ['no route', 'envoy-json', { ...ENVOY, response_flags: 'NR' }, { allowed: false }],
    [
      'a flow',
      'cilium-hubble',
      HUBBLE,
      {
        at,
        host,
        evidence: 'connection',
        serviceAccount: 'jobs/nightly',
        pod: 'jobs/nightly-abc',
        source: '10.0.1.7',
      },
    ],
    [
      'a flow to nobody known by name',
      'cilium-hubble',
      { flow: { ...HUBBLE.flow, destination_names: [] } },
      { host: '203.0.113.9' },
    ],
    ['a drop', 'cilium-hubble', { flow: { ...HUBBLE.flow, verdict: 'DROPPED' } }, { allowed: false }],
    [
      'a question',
      'cilium-hubble',
      { flow: { ...HUBBLE.flow, l7: { type: 'REQUEST', dns: { query: 'Api.Example.com.' } } } },
      { host, evidence: 'dns' },
    ],
    [
      'a question of this year',
      'dns-dnsmasq',
      'Jan  2 09:00:00 dnsmasq[123]: query[A] api.example.com from 10.0.1.7',
      { at: new Date('2026-01-02T09:00:00Z'), host, evidence: 'dns', source: '10.0.1.7' },
    ],
    [
      'a question of last year, with a number and a host name',
      'dns-dnsmasq',
      'Dec 31 23:59:59 router dnsmasq[123]: 45 10.0.1.7/5353 query[AAAA] api.example.com from 10.0.1.7',
      { at: new Date('2025-12-31T23:59:59Z'), host },
    ],
    [
      'our own format',
      'jsonl',
      {
        time: '2026-01-02T10:00:00.123+01:00',
        host,
        source: '[::1]:99',
        service_account: 'jobs/nightly',
        count: 7,
      },
      {
        at,
        host,
        source: '::1',
        serviceAccount: 'jobs/nightly',
        count: 7,
        evidence: 'connection',
        allowed: true,
      },
    ],
  ])('%s (%s)', (_, format, line, expected) => {
    expect(read(format, line)).toMatchObject(expected);
  });

  it('keeps control characters out of what goes into events', () => {
    const line = { time: '2026-01-02T09:00:00Z', host, user: `a\u001b[31m\n${'x'.repeat(999)}` };
    const record = read('jsonl', line);
    expect(record).toMatchObject({ user: expect.stringMatching(/^a\P{Cc}+$/u) as string });
    expect((record as { user: string }).user.length).toBeLessThanOrEqual(256);
  });
});

describe("Vault's audit log", () => {
  const entry = {
    time: '2026-01-02T09:00:00.123456789Z',
    type: 'response',
    auth: { accessor: 'hmac-sha256:abc', display_name: 'token-ops', client_token: 'hmac-sha256:def' },
    request: {
      id: 'c0ffee',
      operation: 'read',
      path: 'database/creds/orders',
      remote_address: '10.0.1.7',
      client_token_accessor: 'hmac-sha256:abc',
    },
    response: { secret: { lease_id: 'database/creds/orders/x' } },
  };

  it.each([
    ['a request line', { ...entry, type: 'request' }, 'other'],
    ['no request', { ...entry, request: undefined }, 'unreadable'],
    ['no time', { ...entry, time: undefined }, 'unreadable'],
    ['no id', { ...entry, request: { ...entry.request, id: '' } }, 'unreadable'],
  ])('%s is %s', (_, line, expected) => {
    expect(readVaultAudit(JSON.stringify(line))).toBe(expected);
  });

  it('says of an answer that was an error that it failed', () => {
    const line = JSON.stringify({ ...entry, error: '1 error occurred: permission denied' });
    expect(readVaultAudit(line)).toMatchObject({ failed: true });
  });

  it('never keeps a token that is written as it is', () => {
    const lease = '0192f5a0-0000-7000-8000-000000000001';
    const hash = `hmac-sha256:${'a'.repeat(64)}`;
    const wrapped = (token: string): unknown =>
      readVaultAudit(
        JSON.stringify({
          ...entry,
          auth: { ...entry.auth, metadata: { lease_id: lease } },
          request: { ...entry.request, data: { token } },
          response: { wrap_info: { token, accessor: 'acc' } },
        }),
      );
    expect(wrapped('hvs.secret')).toMatchObject({ wrappedInto: ['acc'], tokenNamed: undefined });
    expect(wrapped(hash)).toMatchObject({ wrappedInto: ['acc', hash], tokenNamed: hash, hintedLease: lease });
  });

  it('is read, also where the token stands with the request', () => {
    const expected = {
      id: 'c0ffee',
      path: 'database/creds/orders',
      operation: 'read',
      accessor: 'hmac-sha256:abc',
      source: '10.0.1.7',
    };
    expect(readVaultAudit(JSON.stringify(entry))).toMatchObject({ ...expected, displayName: 'token-ops' });
    expect(readVaultAudit(JSON.stringify({ ...entry, auth: undefined }))).toMatchObject(expected);
  });
});

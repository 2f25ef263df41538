import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/kernel/clock.js';
import { VaultClient } from '../../../src/vault/vault-client.js';
import {
  faultOfAnswer,
  faultOfConnection,
  VAULT_FAULTS,
  type VaultFault,
} from '../../../src/vault/vault-fault.js';
import { VaultHealth } from '../../../src/vault/vault-health.js';
import type { VaultSession } from '../../../src/vault/vault-session.js';
import { NoTimings } from '../../../src/vault/vault-timings.js';

describe('statuses', () => {
  it.each<[string, number, string[], VaultFault]>([
    ['read_database', 403, ['permission denied'], 'credential_denied'],
    ['create_token', 403, ['permission denied'], 'rights_missing'],
    ['create_token', 400, ['unknown role leases'], 'token_role_missing'],
    ['read_pki', 400, ['unknown role: tls'], 'role_missing'],
    ['read_kv', 404, [], 'role_missing'],
    ['list_leases', 404, [], 'refused'],
    ['read_kv', 404, ['no handler for route "kv/data/x". route entry not found.'], 'mount_missing'],
    ['read_kv', 429, ['rate limit quota exceeded'], 'throttled'],
    ['read_kv', 502, [], 'throttled'],
    ['read_kv', 503, ['Vault is sealed'], 'sealed'],
    ['read_kv', 500, ['local node not active but active cluster node not found'], 'no_leader'],
    ['read_database', 500, ['failed to connect to the target'], 'refused'],
    ['renew_lease', 400, ['lease not found'], 'refused'],
  ])('%s, %i and %j is %s', (operation, status, errors, fault) => {
    expect(faultOfAnswer(operation, status, errors)).toBe(fault);
  });

  it.each([
    ['ECONNREFUSED', 'unreachable'],
    ['UND_ERR_SOCKET', 'unreachable'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_refused'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_refused'],
    ['CERT_HAS_EXPIRED', 'tls_refused'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'client_certificate_refused'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'client_certificate_refused'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'client_certificate_refused'],
  ])('%s is %s', (name, fault) => {
    expect(faultOfConnection(name)).toBe(fault);
  });

  it('each have words for the worker and a cure, without an address', () => {
    for (const { what, advice } of Object.values(VAULT_FAULTS)) {
      expect(what).toMatch(/^[a-zA-Z]/);
      expect(advice.length).toBeGreaterThan(5);
      expect(what + advice).not.toMatch(/https?:/);
    }
  });
});

/** A server that writes down what it was asked, for what a Vault without namespaces cannot show. */
let server: Server;
let client: VaultClient;
const seen: IncomingMessage[] = [];
let serverSeconds = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    response.end(
      JSON.stringify({ initialized: true, sealed: false, server_time_utc: serverSeconds, data: {} }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { address, redirectAddresses: [], caFile: undefined, timeoutMs: 5_000, connections: 2 };
  client = new VaultClient({ ...options, namespace: 'team/one' }, new SystemClock(), new NoTimings());
});
afterAll(async () => {
  await client.close();
  await new Promise((resolve) => server.close(resolve));
});

const session = { state: () => ({ loggedIn: true, lastError: undefined }) } as VaultSession;
const health = (): VaultHealth => new VaultHealth(client, session, new SystemClock());

it('namespaces go with every request but those that live outside', async () => {
  await client.call({ operation: 'test', method: 'POST', path: 'auth/token/create/role', body: {} });
  await health().check();
  expect(seen.map(({ url, headers }) => [url?.split('?')[0], headers['x-vault-namespace']])).toEqual([
    ['/v1/auth/token/create/role', 'team/one'],
    ['/v1/sys/health', undefined],
  ]);
});

it.each([0, 3_600, -3_600])('clocks that differ by %i s are told', async (skew) => {
  serverSeconds = Math.floor(Date.now() / 1_000) + skew;
  const report = await health().check();
  expect(report.state).toBe('ready');
  expect(Math.abs((report.clockSkewSeconds ?? Number.NaN) - skew)).toBeLessThan(5);
});

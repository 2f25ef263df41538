import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  SignJWT,
  exportJWK,
  generateKeyPair,
  type CryptoKey,
  type JWK,
  type JWTHeaderParameters,
} from 'jose';
import { ManualClock, epochSeconds } from '../../../src/kernel/clock.js';
import { RandomIds } from '../../../src/kernel/ids.js';
import type { AuditInbox } from '../../../src/audit/audit-inbox.js';
import type { IssuerSettings } from '../../../src/settings/issuer-schema.js';
import { Settings, settingsSchema } from '../../../src/settings/schema.js';
import { DriftWatch } from '../../../src/identity/drift-watch.js';
import { GuardedFetch } from '../../../src/identity/guarded-fetch.js';
import { IssuerKeys } from '../../../src/identity/issuer-keys.js';
import { IssuerQuota } from '../../../src/identity/issuer-quota.js';
import { IssuerRegistry } from '../../../src/identity/issuer-registry.js';
import { TokenVerifier } from '../../../src/identity/token-verifier.js';

export const NOW = new Date('2026-11-03T12:00:00.000Z');
export const AUDIENCE = 'https://leasegate.example';

/** Settings with these issuers; everything else as it comes. */
export function settingsWith(issuers: object[], more: object = {}): Settings {
  const values = settingsSchema.parse({
    database: { url: 'postgres://unused' },
    vault: {
      address: 'http://127.0.0.1:1',
      login: { method: 'approle', roleId: 'role', secretId: 'unused' },
    },
    audit: { hmacKey: 'unused' },
    issuers,
    ...more,
  });
  return new (class extends Settings {
    readonly values = values;
  })();
}

/** The settings of one issuer, with their defaults. */
export function issuerWith(entry: object): IssuerSettings {
  const [issuer] = settingsWith([
    { name: 'main', url: 'https://issuer.example', audience: AUDIENCE, ...entry },
  ]).values.issuers;
  if (issuer === undefined) throw new Error('no issuer');
  return issuer;
}

/** A key pair whose public half has an id. */
export interface TestKey {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK & { kid: string };
}

export async function makeKey(kid: string, alg = 'ES256'): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** Claims of a token that passes, to be spoiled one at a time. */
export function goodClaims(more: Record<string, unknown> = {}): Record<string, unknown> {
  const now = epochSeconds(NOW);
  const claims = {
    iss: 'https://issuer.example',
    sub: 'job:build',
    aud: AUDIENCE,
    iat: now - 10,
    exp: now + 300,
    ...more,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

export function signed(
  key: TestKey,
  claims: Record<string, unknown>,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const full = { alg: key.alg, kid: key.jwk.kid, ...header };
  const kept = Object.fromEntries(Object.entries(full).filter(([, value]) => value !== undefined));
  return new SignJWT(claims).setProtectedHeader(kept as JWTHeaderParameters).sign(key.privateKey);
}

/** Signs a payload byte for byte, so that it can say what no library would. */
export async function signedText(key: TestKey, payload: string, header?: string): Promise<string> {
  const first = header ?? JSON.stringify({ alg: key.alg, kid: key.jwk.kid });
  const input = [first, payload].map((part) => Buffer.from(part, 'utf8').toString('base64url')).join('.');
  const signature = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    key.privateKey,
    Buffer.from(input, 'ascii'),
  );
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

/** Everything that verification is made of, under a clock that the test moves. */
export function verification(issuers: object[]): {
  readonly verifier: TokenVerifier;
  readonly keys: IssuerKeys;
  readonly registry: IssuerRegistry;
  readonly clock: ManualClock;
  readonly events: { kind: string; data: unknown }[];
} {
  const clock = new ManualClock(NOW);
  const registry = new IssuerRegistry(settingsWith(issuers));
  const keys = new IssuerKeys(registry, new GuardedFetch(), clock);
  const events: { kind: string; data: unknown }[] = [];
  const audit = {
    record: (kind: string, _context: unknown, data: unknown): Promise<string> => {
      events.push({ kind, data });
      return Promise.resolve('id');
    },
  } as unknown as AuditInbox;
  const drift = new DriftWatch(audit, clock, new RandomIds(clock));
  const verifier = new TokenVerifier(registry, keys, new IssuerQuota(clock), drift, clock);
  return { verifier, keys, registry, clock, events };
}

/** An HTTP server on loopback whose answers a test sets by path. */
export class LocalServer {
  readonly hits: string[] = [];
  readonly answers = new Map<string, (url: string) => { status?: number; headers?: object; body: string }>();
  #server: Server | undefined;
  url = '';

  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      this.hits.push(path);
      const answer = this.answers.get(path)?.(this.url) ?? { status: 404, body: '{}' };
      response.writeHead(answer.status ?? 200, { ...answer.headers });
      response.end(answer.body);
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  json(path: string, body: unknown): void {
    this.answers.set(path, () => ({ body: JSON.stringify(body) }));
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(undefined));
  }
}

import type { CredentialRequest, InlineCredential } from '../lease/credential-source.js';
import { addSeconds } from '../kernel/clock.js';
import { Secret } from '../kernel/secret.js';
import type { VaultLeaseAnswer } from './answers.js';
import type { VaultCall } from './vault-client.js';
import { VaultError } from './vault-error.js';
import { vaultPath } from './vault-path.js';

type Kind = CredentialRequest['kind'];
type Data = Readonly<Record<string, unknown>>;

/** What a secrets engine wants to hear, and how its answers read. */
export interface Engine {
  /** Path segment between mount and role or secret; also what policies and lease ids have there. */
  readonly segment: 'creds' | 'data' | 'issue';
  /** Whether the engine makes Vault leases at all. */
  readonly leases: boolean;
  /** Method, query and body of the request. */
  ask(request: CredentialRequest): Pick<VaultCall, 'method' | 'query' | 'body'>;
  /** Reads an answer; `askedAt` is a moment before the request went out, so that no expiry is told too late. */
  read(answer: VaultLeaseAnswer, data: Data, askedAt: Date): InlineCredential;
}

/** Vault API: `GET /database/creds/:name`. The TTL is the role's; it cannot be asked for. */
const database: Engine = {
  segment: 'creds',
  leases: true,
  ask: () => ({ method: 'GET' }),
  read: (answer, data, askedAt) => ({
    vaultLeaseId: required(answer.lease_id, 'a lease id'),
    expiresAt: addSeconds(askedAt, answer.lease_duration),
    renewable: answer.renewable,
    account: required(data['username'], 'a user name'),
    data: Secret.of(data),
  }),
};

/** Vault API: `GET /secret/data/:path`. Static: no lease, no end. */
const kv: Engine = {
  segment: 'data',
  leases: false,
  ask: ({ parameters: { version } }) => ({
    method: 'GET',
    ...(version === undefined ? {} : { query: { version: String(version) } }),
  }),
  read: (_answer, data) => {
    const secret = data['data'];
    if (typeof secret !== 'object' || secret === null)
      throw unexpected('a secret (deleted, or not KV version 2)');
    return {
      vaultLeaseId: undefined,
      expiresAt: undefined,
      renewable: false,
      account: undefined,
      data: Secret.of(secret as Data),
    };
  },
};

const CERTIFICATE_FIELDS = ['common_name', 'alt_names', 'ip_sans'] as const;

/** Vault API: `POST /pki/issue/:name`. A lease only where the role says `generate_lease`. */
const pki: Engine = {
  segment: 'issue',
  leases: true,
  ask: ({ parameters, ttlSeconds }) => {
    const named = CERTIFICATE_FIELDS.filter((field) => parameters[field] !== undefined);
    const fields = Object.fromEntries(named.map((field) => [field, parameters[field]]));
    return { method: 'POST', body: { ...fields, ttl: `${ttlSeconds}s` } };
  },
  read: (answer, data, askedAt) => {
    const notAfter = data['expiration'];
    if (typeof notAfter !== 'number') throw unexpected('an expiration');
    const certificateEnds = new Date(notAfter * 1_000);
    const leaseId = answer.lease_id === '' ? undefined : answer.lease_id;
    const leaseEnds = leaseId === undefined ? certificateEnds : addSeconds(askedAt, answer.lease_duration);
    return {
      vaultLeaseId: leaseId,
      expiresAt: leaseEnds < certificateEnds ? leaseEnds : certificateEnds,
      renewable: answer.renewable,
      account: required(data['serial_number'], 'a serial number'),
      data: Secret.of(data),
    };
  },
};

const ENGINES: Readonly<Record<Kind, Engine>> = { database, kv, pki };

/** The engine of a kind of credential. */
export function engineOf(kind: Kind): Engine {
  return ENGINES[kind];
}

/** API path of a credential, below `/v1/`; also the prefix of its Vault leases. */
export function credentialPath(request: Pick<CredentialRequest, 'kind' | 'mount' | 'path'>): string {
  return vaultPath(request.mount, engineOf(request.kind).segment, request.path);
}

function required(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw unexpected(what);
}

function unexpected(missing: string): VaultError {
  return new VaultError('vault_refused', { operation: 'read', reason: `the answer has not ${missing}` });
}

import type { Clock } from '../kernel/clock.js';
import { addSeconds } from '../kernel/clock.js';
import { Secret } from '../kernel/secret.js';
import {
  CredentialSource,
  type CredentialRequest,
  type InlineCredential,
  type LeaseToken,
  type Presence,
  type WrappedCredential,
} from '../lease/credential-source.js';
import { authAnswer, leaseAnswer, listAnswer, readAnswer, wrapAnswer } from './answers.js';
import { credentialPath, engineOf } from './engines.js';
import { LeaseLooks } from './lease-looks.js';
import { faultOfLeaseToken, leaseTokenFrom, unfitToken } from './lease-token.js';
import type { VaultClient } from './vault-client.js';
import { VaultError } from './vault-error.js';
import { vaultPath } from './vault-path.js';
import type { VaultTroubles } from './vault-troubles.js';
import type { VaultSession } from './vault-session.js';

/** Names that bootstrapping gave, from the settings. */
export interface LeaseTokenNames {
  readonly leaseTokenRole: string;
  /** The policy of a credential is this and its name. */
  readonly policyPrefix: string;
}

/** Credentials from Vault or OpenBao. Effects are made once: no call is tried again unless Vault denied it. */
export class VaultCredentialSource extends CredentialSource {
  readonly #looks: LeaseLooks;

  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
    private readonly clock: Clock,
    private readonly names: LeaseTokenNames,
    private readonly troubles: VaultTroubles,
  ) {
    super();
    this.#looks = new LeaseLooks(clock, {
      one: (vaultLeaseId) =>
        presence('invalid lease', () =>
          this.#own('lookup_lease', 'sys/leases/lookup', { lease_id: vaultLeaseId }),
        ),
      keysBelow: (prefix) => this.#leaseKeys(vaultPath(prefix)),
    });
  }

  async createLeaseToken(options: Parameters<CredentialSource['createLeaseToken']>[0]): Promise<LeaseToken> {
    const policy = `${this.names.policyPrefix}${options.credential}`;
    const ttl = `${options.ttlSeconds}s`;
    const path = vaultPath('auth/token/create', this.names.leaseTokenRole);
    // With explicit_max_ttl nothing that a token role or a system default says can make it live longer.
    const body = {
      policies: [policy],
      ttl,
      explicit_max_ttl: ttl,
      no_default_policy: true,
      meta: options.metadata,
    };
    const askedAt = this.clock.now();
    const answer = await this.#own('create_token', path, body);
    const { auth } = readAnswer(authAnswer, answer, 'create_token');
    const fault = faultOfLeaseToken(auth, policy);
    if (fault !== undefined) {
      await this.revokeAccessor(auth.accessor).catch(() => undefined);
      throw unfitToken(fault);
    }
    return leaseTokenFrom(auth, askedAt);
  }

  async read(token: Secret, request: CredentialRequest): Promise<InlineCredential> {
    const engine = engineOf(request.kind);
    const askedAt = this.clock.now();
    const path = credentialPath(request);
    const operation = `read_${request.kind}`;
    const raw = await this.troubles.watch(request.name, () =>
      this.client.call({ operation, path, token, ...engine.ask(request) }),
    );
    const answer = readAnswer(leaseAnswer, raw, operation);
    const credential = engine.read(answer, answer.data ?? {}, askedAt);
    return this.#shortened(credential, request, addSeconds(askedAt, request.ttlSeconds));
  }

  async readWrapped(
    token: Secret,
    request: CredentialRequest,
    wrapSeconds: number,
  ): Promise<WrappedCredential> {
    const askedAt = this.clock.now();
    const path = credentialPath(request);
    const operation = `wrap_${request.kind}`;
    const asked = engineOf(request.kind).ask(request);
    const raw = await this.troubles.watch(request.name, () =>
      this.client.call({ operation, path, token, wrapSeconds, ...asked }),
    );
    const { wrap_info: wrapped } = readAnswer(wrapAnswer, raw, operation);
    return {
      wrappingToken: Secret.of(wrapped.token),
      wrappingAccessor: wrapped.accessor,
      wrapExpiresAt: addSeconds(askedAt, wrapped.ttl),
    };
  }

  async renew(vaultLeaseId: string, incrementSeconds: number): Promise<Date> {
    const askedAt = this.clock.now();
    const body = { lease_id: vaultLeaseId, increment: incrementSeconds };
    const answer = await this.#own('renew_lease', 'sys/leases/renew', body);
    return addSeconds(askedAt, readAnswer(leaseAnswer, answer, 'renew_lease').lease_duration);
  }

  async revokeLease(vaultLeaseId: string): Promise<void> {
    // Vault says 204 of one that it does not know, too.
    await this.#own('revoke_lease', 'sys/leases/revoke', { lease_id: vaultLeaseId, sync: true });
  }

  async revokeAccessor(accessor: string): Promise<void> {
    await this.#own('revoke_accessor', 'auth/token/revoke-accessor', { accessor }).catch(
      unlessGone('invalid accessor'),
    );
  }

  lookUpLease(vaultLeaseId: string, withinMs?: number): Promise<Presence> {
    return this.#looks.lookUp(vaultLeaseId, withinMs);
  }

  async lookUpAccessor(accessor: string): Promise<Presence> {
    return presence('invalid accessor', () =>
      this.#own('lookup_accessor', 'auth/token/lookup-accessor', { accessor }),
    );
  }

  async listLeases(mount: string, kind: CredentialRequest['kind'], path: string): Promise<readonly string[]> {
    if (!engineOf(kind).leases) return [];
    const keys = await this.#leaseKeys(credentialPath({ mount, kind, path }));
    const prefix = `${mount}/${engineOf(kind).segment}/${path}`;
    return keys.filter(isCredentialLease).map((key) => `${prefix}/${key}`);
  }

  async #leaseKeys(below: string): Promise<readonly string[]> {
    const operation = 'list_leases';
    try {
      const answer = await this.session.use((token) =>
        this.client.call({ operation, method: 'LIST', path: `sys/leases/lookup/${below}`, token }),
      );
      return readAnswer(listAnswer, answer, operation).data.keys;
    } catch (error) {
      // An empty list is a 404 without a word.
      if (error instanceof VaultError && error.httpStatus === 404 && error.vaultErrors.length === 0)
        return [];
      throw error;
    }
  }

  /** A POST with our own token. */
  async #own(operation: string, path: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.session.use((token) => this.client.call({ operation, method: 'POST', path, token, body }));
  }

  /**
   * Database roles decide the first TTL of their users. One that is longer than the lease is cut to size, so that
   * Vault ends the user in time even if no broker lives to do it; costs one more call, so give roles a short default.
   */
  async #shortened(
    credential: InlineCredential,
    request: CredentialRequest,
    latest: Date,
  ): Promise<InlineCredential> {
    const { vaultLeaseId, expiresAt } = credential;
    if (request.kind !== 'database' || vaultLeaseId === undefined || expiresAt === undefined)
      return credential;
    if (expiresAt <= latest) return credential;
    return { ...credential, expiresAt: await this.renew(vaultLeaseId, request.ttlSeconds) };
  }
}

// Vault files a wrapping token under the path of the request that it wraps, as `h` and a SHA-256.
const TOKEN_LEASE = /^h[0-9a-f]{64}(?:\.|$)/;

/** Whether a key of a listing is the lease of a credential, and not a folder of longer paths or a wrapping token. */
function isCredentialLease(key: string): boolean {
  return !key.endsWith('/') && !TOKEN_LEASE.test(key);
}

/**
 * The answer of a look-up. Only Vault's own words for "I do not know it" count as gone, with any of the statuses
 * that its versions have given them: a 403 without these words is a missing right, and no proof of anything.
 */
async function presence(gone: string, lookUp: () => Promise<unknown>): Promise<Presence> {
  try {
    await lookUp();
    return 'present';
  } catch (error) {
    unlessGone(gone)(error);
    return 'gone';
  }
}

function unlessGone(gone: string): (error: unknown) => void {
  return (error) => {
    const known =
      error instanceof VaultError && [400, 403, 404].includes(error.httpStatus ?? 0) && error.says(gone);
    if (!known) throw error;
  };
}

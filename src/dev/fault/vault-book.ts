import { DATABASE_ROLE, PKI_ROLE } from '../engines.js';
import type { FaultParts } from './fault-parts.js';

/** What Vault says that there is. */
export interface VaultBook {
  /** Leases of the catalogue's roles. */
  readonly leases: readonly string[];
  /** Tokens that were made for leases, by the lease that they name. */
  readonly tokens: readonly string[];
}

// Vault files wrapping tokens and tokens' own leases here as well; these are credentials' alone.
const TOKEN_LEASE = /^h[0-9a-f]{64}/;
const LOOKUPS_AT_ONCE = 8;

/** Reads Vault's book with the root token. */
export async function readVault({ vault, names }: FaultParts): Promise<VaultBook> {
  const list = async (path: string): Promise<string[]> => {
    try {
      return ((await vault.call('LIST', path))['keys'] ?? []) as string[];
    } catch (error) {
      // An empty list is a 404.
      if (/answered 404/.test(String(error))) return [];
      throw error;
    }
  };
  const places = [`${names.mounts.database}/creds/${DATABASE_ROLE}`, `${names.mounts.pki}/issue/${PKI_ROLE}`];
  const leases: string[] = [];
  for (const place of places) {
    const keys = await list(`sys/leases/lookup/${place}`);
    leases.push(...keys.filter((key) => !TOKEN_LEASE.test(key)).map((key) => `${place}/${key}`));
  }
  const accessors = await list('auth/token/accessors');
  const tokens: string[] = [];
  const lookUp = async (accessor: string): Promise<void> => {
    const token = await vault.call('POST', 'auth/token/lookup-accessor', { accessor }).catch(() => undefined);
    const meta = token?.['meta'] as { lease_id?: string } | null | undefined;
    if (token?.['role'] === names.leaseTokenRole && meta?.lease_id !== undefined) tokens.push(meta.lease_id);
  };
  for (let from = 0; from < accessors.length; from += LOOKUPS_AT_ONCE) {
    await Promise.all(accessors.slice(from, from + LOOKUPS_AT_ONCE).map(lookUp));
  }
  return { leases, tokens };
}

import type { BootstrapCredential } from './bootstrap/input.js';
import { credentialPath, engineOf } from './engines.js';
import type { LeaseTokenNames } from './vault-credential-source.js';
import { vaultPath } from './vault-path.js';

/** A capability that the broker must have at a path. */
export interface NeededRight {
  readonly path: string;
  readonly capabilities: readonly string[];
  /** What does not work without it. */
  readonly purpose: string;
}

/** What the broker has to be able to do, whatever the catalogue has in it. */
export function ownRights(names: LeaseTokenNames): readonly NeededRight[] {
  const update = ['update'];
  return [
    {
      path: vaultPath('auth/token/create', names.leaseTokenRole),
      capabilities: update,
      purpose: 'making the tokens of leases',
    },
    { path: 'auth/token/revoke-accessor', capabilities: update, purpose: 'ending leases' },
    { path: 'auth/token/lookup-accessor', capabilities: update, purpose: 'proving that leases ended' },
    { path: 'auth/token/lookup-self', capabilities: ['read'], purpose: 'noticing that the login was lost' },
    { path: 'auth/token/renew-self', capabilities: update, purpose: 'renewing the login' },
    { path: 'auth/token/revoke-self', capabilities: update, purpose: 'giving the login back' },
  ];
}

/** What following Vault's own audit log needs. */
export function auditRights(devices: readonly string[]): readonly NeededRight[] {
  return devices.map((device) => ({
    path: vaultPath('sys/audit-hash', device),
    capabilities: ['update'],
    purpose: "matching Vault's audit log with leases",
  }));
}

/** What looking for forgotten tokens needs (`reconciliation.listTokens`). Vault gives the accessors of all tokens or of none. */
export function tokenListRights(): readonly NeededRight[] {
  return [
    {
      path: 'auth/token/accessors',
      capabilities: ['list', 'sudo'],
      purpose: 'finding forgotten tokens (reconciliation.listTokens)',
    },
  ];
}

/** What one credential needs beside that, where its engine makes leases. */
export function credentialRights(credential: BootstrapCredential): readonly NeededRight[] {
  if (!engineOf(credential.kind).leases) return [];
  const update = ['update'];
  return [
    { path: 'sys/leases/renew', capabilities: update, purpose: 'renewing leases' },
    { path: 'sys/leases/revoke', capabilities: update, purpose: 'revoking leases' },
    { path: 'sys/leases/lookup', capabilities: update, purpose: 'proving that leases ended' },
    {
      path: `sys/leases/lookup/${credentialPath(credential)}`,
      capabilities: ['list', 'sudo'],
      purpose: `finding forgotten leases of ${credential.name}`,
    },
  ];
}

/** Where the key of the log and its high-water mark are. */
export interface LogPlaces {
  readonly mount: string;
  readonly key: string;
  readonly highWater: { readonly mount: string; readonly path: string };
}

/** What signing the log needs. */
export function logRights({ mount, key, highWater }: LogPlaces): readonly NeededRight[] {
  return [
    { path: vaultPath(mount, 'sign', key), capabilities: ['update'], purpose: 'signing the log' },
    { path: vaultPath(mount, 'keys', key), capabilities: ['read'], purpose: 'publishing the key of the log' },
    {
      path: vaultPath(highWater.mount, 'data', highWater.path),
      capabilities: ['create', 'read', 'update'],
      purpose: 'marking how far the log was signed',
    },
    {
      path: vaultPath(highWater.mount, 'metadata', highWater.path),
      capabilities: ['read'],
      purpose: 'noticing that the mark was deleted',
    },
  ];
}

/** Paths at which the broker could weaken the key of the log, or make its mark forget. */
export function forbiddenLogWrites({ mount, key, highWater }: LogPlaces): readonly string[] {
  return [
    vaultPath(mount, 'keys', key),
    vaultPath(mount, 'keys', key, 'config'),
    vaultPath(mount, 'keys', key, 'rotate'),
    ...['metadata', 'delete', 'destroy'].map((part) => vaultPath(highWater.mount, part, highWater.path)),
  ];
}

/** Paths at which the broker must not be able to write: it could give itself any right there. */
export function forbiddenWrites(names: LeaseTokenNames): readonly string[] {
  return [
    vaultPath('sys/policies/acl', `${names.policyPrefix}any`),
    'sys/policies/acl/leasegate-broker',
    vaultPath('auth/token/roles', names.leaseTokenRole),
    'auth/token/create',
    'auth/token/create-orphan',
    'sys/auth/any',
    'sys/leases/revoke-prefix/any',
    'sys/leases/revoke-force/any',
  ];
}

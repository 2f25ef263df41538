import type { ErrorCode } from '../kernel/error-codes.js';

/** The codes with which Vault operations fail. */
export type VaultErrorCode = Extract<
  ErrorCode,
  | 'vault_unavailable'
  | 'vault_sealed'
  | 'vault_denied'
  | 'vault_refused'
  | 'vault_mount_missing'
  | 'vault_role_missing'
>;

/** What one fault means: to the caller, and to whoever has to mend it. */
export interface FaultMeaning {
  readonly code: VaultErrorCode;
  /** What is wrong, in our words: workers and `/readyz` show it, so no address and no name is in it. */
  readonly what: string;
  /** What an operator does about it. */
  readonly advice: string;
}

const BOOTSTRAP = 'run `leasegate vault plan` and `leasegate vault apply` with an operator’s token';

/** Everything that can be wrong with Vault in the field, by the name that `/readyz`, `doctor` and the docs use. */
export const VAULT_FAULTS = {
  unreachable: {
    code: 'vault_unavailable',
    what: 'Vault cannot be reached',
    advice: 'see that Vault runs, that `vault.address` names it, and that the network lets us through',
  },
  timeout: {
    code: 'vault_unavailable',
    what: 'Vault did not answer in time',
    advice: 'see what Vault or its storage is busy with; `vault.timeoutMs` is the limit',
  },
  throttled: {
    code: 'vault_unavailable',
    what: 'Vault, or a proxy before it, turns requests away',
    advice: 'see Vault’s rate limit quotas and the proxy; lower `leases.issue.concurrency`',
  },
  uninitialised: {
    code: 'vault_unavailable',
    what: 'Vault is not initialised',
    advice: 'initialise Vault, or see that `vault.address` names the right one',
  },
  sealed: { code: 'vault_sealed', what: 'Vault is sealed', advice: 'unseal Vault' },
  no_leader: {
    code: 'vault_unavailable',
    what: 'Vault has no active node',
    advice:
      'wait for the election; when it does not end, see that a majority of Vault’s nodes is up and unsealed',
  },
  redirect_refused: {
    code: 'vault_unavailable',
    what: 'a standby of Vault sends us to an address that the settings do not name',
    advice:
      'add the `api_addr` of every node of Vault to `vault.redirectAddresses`; the log names the one it sent us to',
  },
  tls_refused: {
    code: 'vault_unavailable',
    what: 'the TLS certificate of Vault does not verify',
    advice:
      'let `vault.caFile` be the CA of Vault’s certificate, which has to be for the name in `vault.address`',
  },
  client_certificate_refused: {
    code: 'vault_unavailable',
    what: 'Vault does not take our TLS client certificate',
    advice:
      'let `vault.clientCertFile` and `vault.clientKeyFile` be of the CA that Vault’s listener asks for, and not expired',
  },
  login_refused: {
    code: 'vault_denied',
    what: 'Vault refused the broker’s login',
    advice: 'see that `vault.login` is right; `leasegate vault apply` makes its role',
  },
  rights_missing: {
    code: 'vault_denied',
    what: 'the broker’s login lacks a right that it needs',
    advice: BOOTSTRAP,
  },
  credential_denied: {
    code: 'vault_denied',
    what: 'the policy of the credential does not let its leases read it',
    advice: BOOTSTRAP,
  },
  token_role_missing: {
    code: 'vault_role_missing',
    what: 'the token role that leases need is not in Vault',
    advice: BOOTSTRAP,
  },
  role_missing: {
    code: 'vault_role_missing',
    what: 'the role or path of the credential is not in Vault',
    advice: 'make the role or secret in Vault again, or correct `path` of the credential',
  },
  mount_missing: {
    code: 'vault_mount_missing',
    what: 'the mount of the credential is not in Vault',
    advice: 'mount the engine again, or correct `mount` of the credential and run `leasegate vault apply`',
  },
  refused: {
    code: 'vault_refused',
    what: 'Vault could not do what was asked',
    advice: 'the log has Vault’s own words; for a database, see that Vault can reach it',
  },
} as const satisfies Record<string, FaultMeaning>;

/** The name of a fault. */
export type VaultFault = keyof typeof VAULT_FAULTS;

/** The fault of a code where nothing closer is known. */
export function faultOfCode(code: VaultErrorCode): VaultFault {
  return {
    vault_unavailable: 'unreachable',
    vault_sealed: 'sealed',
    vault_denied: 'rights_missing',
    vault_refused: 'refused',
    vault_mount_missing: 'mount_missing',
    vault_role_missing: 'role_missing',
  }[code] as VaultFault;
}

/**
 * The fault behind an answer that is not a success. 503 is how a sealed server answers everything; 429 is a quota; 502
 * and 504 come from a proxy before it; a standby without a leader says so with 500. A static secret that is not there is
 * a 404 without a word.
 */
export function faultOfAnswer(operation: string, httpStatus: number, errors: readonly string[]): VaultFault {
  const says = (pattern: RegExp): boolean => errors.some((error) => pattern.test(error));
  const reading = operation.startsWith('read_') || operation.startsWith('wrap_');
  if (httpStatus === 403 || httpStatus === 401) return reading ? 'credential_denied' : 'rights_missing';
  if (httpStatus === 503 && says(/\bsealed\b/i)) return 'sealed';
  if (httpStatus === 429) return 'throttled';
  if (httpStatus >= 500 && says(/standby|active cluster node not found|no leader/i)) return 'no_leader';
  if ([502, 503, 504].includes(httpStatus)) return 'throttled';
  if (httpStatus === 404 && says(/no handler for route|unsupported path/i)) return 'mount_missing';
  if ((httpStatus === 400 || httpStatus === 404) && says(/unknown role|role .*(not found|does not exist)/i))
    return operation === 'create_token' ? 'token_role_missing' : 'role_missing';
  if (httpStatus === 404 && reading && errors.length === 0) return 'role_missing';
  return 'refused';
}

/** The fault behind a connection that failed, by the name of its error. */
export function faultOfConnection(name: string): VaultFault {
  if (/^ERR_SSL_.*ALERT.*(CERTIFICATE|UNKNOWN_CA)|^ERR_SSL_.*(BAD|REQUIRED)_CERT/.test(name))
    return 'client_certificate_refused';
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/.test(name))
    return 'tls_refused';
  return 'unreachable';
}

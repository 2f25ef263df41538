import { DATABASE_ROLE, KV_PATH, PKI_ROLE, type EngineMounts } from './engines.js';

/** A body for `POST /v1/credentials`. */
export interface CredentialSpecBody {
  readonly name: string;
  readonly kind: 'database' | 'kv' | 'pki';
  readonly mount: string;
  readonly path: string;
  readonly [field: string]: unknown;
}

/** Catalogue entries for the engines of an evaluation, one of each kind, as the API takes them. */
export function exampleCredentials(mounts: EngineMounts): readonly CredentialSpecBody[] {
  return [
    {
      name: 'orders-readonly',
      kind: 'database',
      mount: mounts.database,
      path: DATABASE_ROLE,
      deliveries: ['inline', 'wrapped'],
      default_ttl_seconds: 300,
      max_ttl_seconds: 3_600,
      description: 'reads the orders',
    },
    {
      name: 'payments-api',
      kind: 'kv',
      mount: mounts.kv,
      path: KV_PATH,
      description: 'static key of a provider: the lease ends, the key lives on',
    },
    {
      name: 'internal-tls',
      kind: 'pki',
      mount: mounts.pki,
      path: PKI_ROLE,
      parameters: { common_name: 'worker.internal.example' },
      description: 'certificate of a worker',
    },
  ];
}

/** A body for `POST /v1/grants`: the nightly job may lease all of {@link exampleCredentials}. */
export function exampleGrant(
  name: string,
  issuerName: string,
  subject: string,
): Readonly<Record<string, unknown>> & { readonly name: string } {
  return {
    name,
    description: 'the nightly job reads the orders',
    issuer: issuerName,
    workload: { claims: { sub: subject } },
    run: { from: 'asserted', step_from: 'asserted', max_duration_seconds: 3_600 },
    credentials: [{ name: 'orders-readonly' }, { name: 'payments-api' }, { name: 'internal-tls' }],
  };
}

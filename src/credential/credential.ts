import { z } from 'zod';
import { labelsSchema, nameSchema } from './spec.js';

/** Kinds of credential, by the Vault secrets engine that makes them. */
export const CREDENTIAL_KINDS = ['database', 'kv', 'pki'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/**
 * How a credential may be used: by a worker that finds it in the answer (`inline`), by a worker that unwraps a token
 * at Vault which the broker cannot open (`wrapped`), or by the gateway alone, for the calls of tools (`gateway`).
 */
export const DELIVERIES = ['inline', 'wrapped', 'gateway'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** Seconds; no credential is leased for longer (30 days). */
export const LONGEST_TTL_SECONDS = 2_592_000;

/** Parameters of a request to Vault; which ones depends on the kind. */
export type CredentialParameters = Readonly<Record<string, string | number | boolean>>;

const ttl = z.int().min(1).max(LONGEST_TTL_SECONDS);

// A path segment that Vault takes as it is: nothing that needs escaping, and never `.` or `..`, which HTTP clients
// and proxies resolve before Vault sees them.
const VAULT_PATH = /^(?!\.{1,2}(?:\/|$))[\w.@-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.@-]+)*$/;
const vaultPath = z
  .string()
  .max(512)
  .regex(VAULT_PATH, 'letters, digits and _ . @ - in segments divided by single slashes');

const PARAMETERS = {
  database: z.strictObject({}),
  kv: z.strictObject({ version: z.int().min(1).optional() }),
  pki: z.strictObject({
    common_name: z.string().min(1).max(253),
    alt_names: z.string().min(1).max(4_096).optional(),
    ip_sans: z.string().min(1).max(1_024).optional(),
  }),
} as const satisfies Record<CredentialKind, z.ZodType>;

/**
 * What an admin says about a credential: how Vault makes it, how long it may live, how it may be delivered.
 * Secrets in KV live until somebody rotates them, so they are `revocable: false` and nothing else is believed.
 */
export const credentialSpecSchema = z
  .strictObject({
    name: nameSchema,
    kind: z.enum(CREDENTIAL_KINDS),
    mount: vaultPath.describe('mount of the secrets engine, without slashes at its ends'),
    path: vaultPath.describe('database role, KV path or PKI role, relative to the mount'),
    parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
    deliveries: z.array(z.enum(DELIVERIES)).min(1).max(DELIVERIES.length).default(['inline']),
    defaultTtlSeconds: ttl.default(900),
    maxTtlSeconds: ttl.default(3_600),
    revocable: z.boolean().optional(),
    description: z.string().max(1_000).default(''),
    labels: labelsSchema,
  })
  .superRefine((spec, context) => {
    const refuse = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    const parameters = PARAMETERS[spec.kind].safeParse(spec.parameters);
    for (const issue of parameters.error?.issues ?? [])
      refuse(['parameters', ...issue.path], `${issue.message} (kind ${spec.kind})`);
    if (spec.defaultTtlSeconds > spec.maxTtlSeconds)
      refuse(['defaultTtlSeconds'], 'is more than maxTtlSeconds');
    if (spec.kind === 'kv' && spec.revocable === true)
      refuse(['revocable'], 'a secret in KV outlives every lease, so it cannot be revocable');
    if (new Set(spec.deliveries).size !== spec.deliveries.length)
      refuse(['deliveries'], 'names a delivery twice');
    if (spec.kind !== 'kv' && spec.path.includes('/')) refuse(['path'], 'is a role, which has no slashes');
  })
  .transform((spec) => ({ ...spec, revocable: spec.revocable ?? spec.kind !== 'kv' }));

/** What a caller may send. */
export type CredentialSpecInput = z.input<typeof credentialSpecSchema>;
/** A spec that was checked, with every default filled in. */
export type CredentialSpec = z.output<typeof credentialSpecSchema>;

/** An entry of the catalogue. */
export interface Credential {
  readonly name: string;
  /** Counts every change; what `If-Match` compares. */
  readonly version: number;
  readonly kind: CredentialKind;
  readonly mount: string;
  readonly path: string;
  readonly parameters: CredentialParameters;
  readonly deliveries: readonly Delivery[];
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  /** Whether revoking a lease makes the credential worthless; false for static secrets. */
  readonly revocable: boolean;
  readonly enabled: boolean;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly updatedAt: Date;
}

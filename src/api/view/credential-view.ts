import { z } from 'zod';
import {
  CREDENTIAL_KINDS,
  DELIVERIES,
  LONGEST_TTL_SECONDS,
  type Credential,
  type CredentialSpecInput,
} from '../../credential/credential.js';
import { labelsSchema, nameSchema } from '../../credential/spec.js';
import { defined } from '../schema/defined.js';
import { instant } from '../schema/fields.js';
import { instantOf } from './page-view.js';

const ttl = z.int().min(1).max(LONGEST_TTL_SECONDS);
const parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** A credential as an admin writes it. */
export const credentialBody = z
  .strictObject({
    name: nameSchema,
    kind: z.enum(CREDENTIAL_KINDS),
    mount: z.string().min(1).max(512).describe('mount of the secrets engine'),
    path: z.string().min(1).max(512).describe('database role, KV path or PKI role, relative to the mount'),
    parameters: parameters
      .optional()
      .describe('KV: `version`; PKI: `common_name`, `alt_names`, `ip_sans`; database: none'),
    deliveries: z
      .array(z.enum(DELIVERIES))
      .min(1)
      .optional()
      .describe('`inline` unless told; with `gateway`, tools may use it without any worker seeing it'),
    default_ttl_seconds: ttl.optional().describe('900 unless told'),
    max_ttl_seconds: ttl.optional().describe('3600 unless told'),
    revocable: z.boolean().optional().describe('true unless told; never for KV'),
    description: z.string().max(1_000).optional(),
    labels: labelsSchema.optional(),
  })
  .meta({ id: 'CredentialBody' });
export type CredentialBody = z.output<typeof credentialBody>;

/** A credential of the catalogue in an answer. */
export const credentialView = z
  .object({
    name: z.string(),
    version: z.int().describe('counts every change; what If-Match compares'),
    kind: z.enum(CREDENTIAL_KINDS),
    mount: z.string(),
    path: z.string(),
    parameters,
    deliveries: z.array(z.enum(DELIVERIES)),
    default_ttl_seconds: z.int(),
    max_ttl_seconds: z.int(),
    revocable: z.boolean(),
    enabled: z.boolean(),
    description: z.string(),
    labels: z.record(z.string(), z.string()),
    created_at: instant,
    created_by: z.string(),
    updated_at: instant,
  })
  .meta({ id: 'CredentialView' });
export type CredentialView = z.output<typeof credentialView>;

/** The catalogue's own form of what an admin wrote. */
export function credentialSpecOf(body: CredentialBody): CredentialSpecInput {
  const { default_ttl_seconds: defaultTtl, max_ttl_seconds: maxTtl, ...same } = body;
  return defined({ ...same, defaultTtlSeconds: defaultTtl, maxTtlSeconds: maxTtl });
}

/** What admins see of a credential; its secret is Vault's. */
export function credentialViewOf(credential: Credential): CredentialView {
  return {
    name: credential.name,
    version: credential.version,
    kind: credential.kind,
    mount: credential.mount,
    path: credential.path,
    parameters: { ...credential.parameters },
    deliveries: [...credential.deliveries],
    default_ttl_seconds: credential.defaultTtlSeconds,
    max_ttl_seconds: credential.maxTtlSeconds,
    revocable: credential.revocable,
    enabled: credential.enabled,
    description: credential.description,
    labels: { ...credential.labels },
    created_at: instantOf(credential.createdAt),
    created_by: credential.createdBy,
    updated_at: instantOf(credential.updatedAt),
  };
}

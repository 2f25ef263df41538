import { z } from 'zod';

/** A part of an API path that may stand in a policy: no wildcard, no template, nothing that ends an HCL string. */
const plainPath = z
  .string()
  .max(512)
  .regex(/^(?!\.{1,2}(?:\/|$))[\w.@-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.@-]+)*$/, 'is not a plain path');
const plainName = z.string().regex(/^[A-Za-z0-9][\w-]{0,127}$/, 'is not a plain name');
/** Vault writes the names of policies in lower case, whatever it is told. */
const policyName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,127}$/, 'is not a plain name in lower case');
const kind = z.enum(['database', 'kv', 'pki']);
const ttlSeconds = z.int().min(60).max(2_764_800);

const credential = z.object({
  name: policyName,
  kind,
  mount: plainPath,
  path: plainPath,
  /** Shortest first TTL that the catalogue gives, for advice about the role's own. */
  defaultTtlSeconds: z.int().min(1).optional(),
});

const tokenTtls = {
  /** Life of the broker's token between renewals. */
  tokenTtlSeconds: ttlSeconds.default(3_600),
  /** After this the broker logs in again, so that a withdrawn secret id is noticed within a day. */
  tokenMaxTtlSeconds: ttlSeconds.default(86_400),
};

/** What `vault plan` and `vault apply` work from: the settings' names and the catalogue. */
export const bootstrapInputSchema = z.object({
  leaseTokenRole: plainName.default('leasegate-lease'),
  policyPrefix: policyName.default('leasegate-credential-'),
  credentials: z.array(credential),
  /** Mounts that no credential names any more, but leases still live in: without them these could not be revoked. */
  formerMounts: z.array(z.object({ kind, mount: plainPath })).default([]),
  /** What signs the log; absent where the log is not signed. */
  log: z
    .object({ transitMount: plainPath, key: plainName, markMount: plainPath, markPath: plainPath })
    .optional(),
  /** Audit devices whose log is matched with leases. */
  auditDevices: z.array(plainPath).default([]),
  /** Whether reconciliation looks for forgotten tokens, for which it has to list the accessors of all tokens. */
  listTokens: z.boolean().default(false),
  brokerPolicy: policyName.default('leasegate-broker'),
  reconcilerPolicy: policyName.default('leasegate-reconciler'),
  approle: z
    .object({ mount: plainPath.default('approle'), role: plainName.default('leasegate'), ...tokenTtls })
    .optional(),
  jwt: z
    .object({
      mount: plainPath.default('jwt'),
      role: plainName.default('leasegate'),
      boundAudience: z.string().min(1),
      boundSubject: z.string().min(1),
      /** Where the mount gets the keys from; absent when somebody has configured it already. */
      keys: z.union([z.object({ discoveryUrl: z.url() }), z.object({ jwksUrl: z.url() })]).optional(),
      ...tokenTtls,
    })
    .optional(),
});

/** As a caller writes it. */
export type BootstrapInput = z.input<typeof bootstrapInputSchema>;
/** Checked, with every default filled in. */
export type BootstrapPlanInput = z.output<typeof bootstrapInputSchema>;
export type BootstrapCredential = BootstrapPlanInput['credentials'][number];

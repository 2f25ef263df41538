import { z } from 'zod';
import { ROLES } from '../kernel/caller.js';
import { seconds } from './field.js';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes, at most 63');

/** Where run, attempt, job and step are found in a platform's tokens. */
export const PRESETS = [
  'kubernetes',
  'github-actions',
  'gitlab-ci',
  'spiffe',
  'google',
  'aws',
  'azure',
  'buildkite',
  'circleci',
  'hcp-terraform',
  'generic',
] as const;

/** Signature algorithms (RFC 7518 §3.1, RFC 8037) that an issuer may be configured for; never `none`, never HMAC. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** What of the log a role lets see. All that is named must hold; an event that belongs to no grant is of none. */
const auditScope = z
  .strictObject({
    grants: z.array(z.string().min(1)).min(1).optional().describe('of these grants, by name or id'),
    labels: z
      .record(z.string().min(1), z.string())
      .refine((labels) => Object.keys(labels).length > 0, 'names no label, so it would match every grant')
      .optional()
      .describe('of grants that have all these labels now'),
    kinds: z
      .array(z.string().regex(/^[a-z_]+\.(?:[a-z_]+|\*)$/, 'is not a kind such as lease.issued or lease.*'))
      .min(1)
      .optional()
      .describe('of these kinds; `lease.*` means all that begin so'),
  })
  .refine((scope) => Object.values(scope).some((part) => part !== undefined), 'names nothing')
  .describe('what of the log is seen with the role auditor; everything unless given');

export type AuditScope = z.output<typeof auditScope>;

const roleBinding = z
  .strictObject({
    role: z.enum(ROLES).describe('the role that a match gives'),
    claims: z
      .record(z.string(), z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]))
      .refine((claims) => Object.keys(claims).length > 0, 'names no claim, so it would match everybody')
      .describe(
        'claims that must all match; exact values, a list means any of them; a claim that is a list matches by any member',
      ),
    audit: auditScope.optional(),
  })
  .refine(
    ({ role, audit }) => audit === undefined || role === 'auditor',
    'only the role auditor has a part of the log',
  )
  .describe('who gets a role');

/** One OIDC issuer that is trusted. */
export const issuerSchema = z
  .strictObject({
    name: name.describe('how grants, logs and events call this issuer'),
    url: z.url({ protocol: /^https?$/ }).describe('the exact `iss` of its tokens, compared byte for byte'),
    audience: z.string().min(1).describe('the sole audience that its tokens must have'),
    allowExtraAudiences: z.boolean().default(false).describe('accept tokens that name other audiences too'),
    algorithms: z
      .array(z.enum(ALGORITHMS))
      .min(1)
      .default(['RS256', 'ES256'])
      .describe('signature algorithms; never chosen by the token'),
    preset: z.enum(PRESETS).default('generic').describe('where run, attempt, job and step are found'),
    skewSeconds: seconds(0, 300).default(30).describe('tolerated difference of clocks'),
    maxAgeSeconds: seconds(1, 86_400).default(3_600).describe('longest time since `iat`'),
    maxLifetimeSeconds: seconds(1, 604_800).default(86_400).describe('longest `exp` − `iat`'),
    replay: z
      .enum(['none', 'single-use', 'first-key-pinned', 'idempotent-same-run'])
      .default('idempotent-same-run')
      .describe('what a second exchange of the same token may do'),
    quotaPerMinute: z.number().int().min(1).default(6_000).describe('verifications per minute and replica'),
    keys: z
      .discriminatedUnion('from', [
        z.strictObject({ from: z.literal('discovery') }),
        z.strictObject({ from: z.literal('url'), url: z.url({ protocol: /^https?$/ }) }),
        z.strictObject({
          from: z.literal('inline'),
          jwks: z.strictObject({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) }),
        }),
      ])
      .default({ from: 'discovery' })
      .describe('where its keys come from'),
    keyMaxAgeSeconds: seconds(10, 86_400).default(600).describe('keys older than this are fetched again'),
    keyHardMaxAgeSeconds: seconds(60, 604_800)
      .default(86_400)
      .describe('keys older than this are never used, also during an outage'),
    allowPrivateAddress: z
      .boolean()
      .default(false)
      .describe('the issuer may live on a private or loopback address'),
    usableFor: z
      .array(z.enum(['workload', 'admin']))
      .min(1)
      .default(['workload'])
      .describe('what its tokens may be used for'),
    login: z
      .strictObject({
        clientId: z.string().min(1).describe('public client with a loopback redirect'),
        scope: z.string().min(1).default('openid').describe('scopes that are asked for'),
        token: z
          .enum(['access_token', 'id_token'])
          .default('access_token')
          .describe('which of the tokens is the bearer; its audience must be the one above'),
        sendResource: z.boolean().default(true).describe('name the audience as `resource` (RFC 8707)'),
      })
      .optional()
      .describe('how people log in with `leasegate login` (authorization code with PKCE)'),
    roles: z.array(roleBinding).default([]).describe('roles of admins, by claims'),
  })
  .describe('an OIDC issuer that is trusted');

export type IssuerSettings = z.output<typeof issuerSchema>;
export type RoleBinding = z.output<typeof roleBinding>;

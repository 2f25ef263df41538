import { z } from 'zod';
import { ROLES } from '../kernel/caller.js';
import { Secret } from '../kernel/secret.js';

const seconds = (min: number, max: number): z.ZodNumber => z.number().int().min(min).max(max);
const secret = z
  .string()
  .min(1)
  .transform((value) => Secret.of(value));
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

const roleBinding = z
  .strictObject({
    role: z.enum(ROLES).describe('the role that a match gives'),
    claims: z
      .record(z.string(), z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]))
      .refine((claims) => Object.keys(claims).length > 0, 'names no claim, so it would match everybody')
      .describe(
        'claims that must all match; exact values, a list means any of them; a claim that is a list matches by any member',
      ),
  })
  .describe('who gets a role');

const issuer = z
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

const vaultLogin = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('approle'),
    mount: z.string().default('approle'),
    roleId: z.string().min(1),
    secretId: secret.optional(),
    secretIdFile: z.string().min(1).optional().describe('read at every login, so that it can be rotated'),
  }),
  z.strictObject({
    method: z.literal('jwt'),
    mount: z.string().default('jwt'),
    role: z.string().min(1),
    tokenFile: z.string().min(1).describe('read at every login: the platform rotates it'),
  }),
]);

/** The settings, all of them. An unknown key is an error; the reference in the docs is generated from here. */
export const settingsSchema = z
  .strictObject({
    roles: z
      .array(z.enum(['api', 'scheduler', 'sequencer']))
      .min(1)
      .default(['api', 'scheduler', 'sequencer'])
      .describe('what this process does'),
    server: z
      .strictObject({
        host: z.string().default('127.0.0.1').describe('address to listen on'),
        port: z
          .number()
          .int()
          .min(0)
          .max(65_535)
          .default(8480)
          .describe('port to listen on; 0 takes a free one'),
        publicUrl: z
          .url({ protocol: /^https?$/ })
          .default('http://127.0.0.1:8480')
          .describe('how workers reach the broker: issuer and audience of run tokens'),
        bodyLimitBytes: z
          .number()
          .int()
          .min(1_024)
          .max(1_048_576)
          .default(65_536)
          .describe('largest request body'),
        trustProxy: z.boolean().default(false).describe('believe X-Forwarded-For from the peer'),
        drainSeconds: seconds(0, 600).default(20).describe('how long a stop waits for open requests'),
      })
      .prefault({}),
    database: z.strictObject({
      url: secret.describe('PostgreSQL connection URL'),
      poolSize: z.number().int().min(2).max(200).default(20).describe('connections per replica'),
      statementTimeoutMs: z
        .number()
        .int()
        .min(100)
        .max(600_000)
        .default(15_000)
        .describe('longest statement'),
    }),
    vault: z.strictObject({
      address: z.url({ protocol: /^https?$/ }).describe('Vault or OpenBao API address'),
      redirectAddresses: z
        .array(z.url({ protocol: /^https?$/ }))
        .default([])
        .describe('further origins that a standby may redirect to; the Vault token goes to no other'),
      namespace: z.string().optional().describe('namespace that everything lives in'),
      caFile: z.string().optional().describe('PEM file with the CA of a private PKI'),
      timeoutMs: z.number().int().min(100).max(120_000).default(10_000).describe('longest single call'),
      connections: z.number().int().min(1).max(512).default(64).describe('connections kept to Vault'),
      login: vaultLogin.describe('how the broker logs in to Vault'),
      leaseTokenRole: z
        .string()
        .default('leasegate-lease')
        .describe('token role that makes the tokens of leases'),
      policyPrefix: z
        .string()
        .default('leasegate-credential-')
        .describe('policy of credential NAME is this prefix and NAME'),
    }),
    issuers: z.array(issuer).min(1).describe('the OIDC issuers that are trusted'),
    runTokens: z
      .strictObject({
        ttlSeconds: seconds(30, 600).default(600).describe('life of a run token'),
        keyRotationSeconds: seconds(600, 2_592_000)
          .default(86_400)
          .describe('age at which a replica makes a new signing key'),
        requireProof: z.boolean().default(false).describe('refuse exchanges without a DPoP proof (RFC 9449)'),
      })
      .prefault({}),
    runs: z
      .strictObject({
        maxDurationSeconds: seconds(60, 2_592_000)
          .default(86_400)
          .describe('longest life of a run whose grant says nothing'),
      })
      .prefault({}),
    leases: z
      .strictObject({
        issuingBoundSeconds: seconds(5, 3_600)
          .default(60)
          .describe('a lease that is `issuing` for longer is reconciled'),
        revokeConcurrencyPerMount: z
          .number()
          .int()
          .min(1)
          .max(256)
          .default(8)
          .describe('revocations at once per Vault mount'),
        revokeWaitMs: z
          .number()
          .int()
          .min(0)
          .max(60_000)
          .default(5_000)
          .describe('how long a request waits for its revocations to be proved'),
        claimSeconds: seconds(5, 600)
          .default(30)
          .describe('how long a replica may work on a claimed revocation'),
        backoffBaseMs: z
          .number()
          .int()
          .min(100)
          .max(60_000)
          .default(1_000)
          .describe('wait after the first failed revocation'),
        backoffMaxMs: z
          .number()
          .int()
          .min(1_000)
          .max(3_600_000)
          .default(300_000)
          .describe('longest wait between attempts'),
        alertAfterAttempts: z
          .number()
          .int()
          .min(1)
          .max(1_000)
          .default(5)
          .describe('failures after which `lease.revocation_failed` is recorded'),
        revocation: z
          .enum(['on', 'hold'])
          .default('on')
          .describe('`hold` starts without revoking, for a restored database'),
      })
      .prefault({}),
    grants: z
      .strictObject({
        approvalRequired: z.boolean().default(false).describe('a new or changed grant waits for an approver'),
      })
      .prefault({}),
    scheduler: z
      .strictObject({
        tickMs: z
          .number()
          .int()
          .min(50)
          .max(60_000)
          .default(1_000)
          .describe('how often due jobs are looked for'),
        claimMs: z
          .number()
          .int()
          .min(200)
          .max(600_000)
          .default(30_000)
          .describe('a replica that gives no sign of life for this long loses the job that it holds'),
      })
      .prefault({}),
    audit: z.strictObject({
      hmacKey: secret.describe(
        'key for sensitive identifiers in events; keep it, or old ones cannot be matched',
      ),
      sequenceIntervalMs: z
        .number()
        .int()
        .min(10)
        .max(60_000)
        .default(250)
        .describe('how often the inbox is drained'),
      batchSize: z.number().int().min(1).max(10_000).default(1_000).describe('events a batch'),
    }),
    retention: z
      .strictObject({
        endedLeasesDays: z
          .number()
          .int()
          .min(1)
          .max(3_650)
          .default(90)
          .describe('ended leases and runs are dropped after this; events stay'),
        idempotencyHours: z
          .number()
          .int()
          .min(1)
          .max(720)
          .default(24)
          .describe('how long an idempotency key is remembered'),
      })
      .prefault({}),
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
          .default('info')
          .describe('least level that is written'),
      })
      .prefault({}),
  })
  .superRefine((settings, context) => {
    const seen = new Map<string, number>();
    settings.issuers.forEach((entry, index) => {
      for (const key of [`name ${entry.name}`, `url ${entry.url}`]) {
        const other = seen.get(key);
        if (other !== undefined) {
          context.addIssue({
            code: 'custom',
            path: ['issuers', index],
            message: `has the same ${key.split(' ')[0]} as issuers.${other}`,
          });
        }
        seen.set(key, index);
      }
      if (entry.keyHardMaxAgeSeconds < entry.keyMaxAgeSeconds) {
        context.addIssue({
          code: 'custom',
          path: ['issuers', index, 'keyHardMaxAgeSeconds'],
          message: 'is less than keyMaxAgeSeconds',
        });
      }
      if (entry.url.startsWith('http:') && !entry.allowPrivateAddress) {
        context.addIssue({
          code: 'custom',
          path: ['issuers', index, 'url'],
          message: 'is plain http; only an issuer with allowPrivateAddress may be',
        });
      }
    });
    const login = settings.vault.login;
    if (login.method === 'approle' && (login.secretId === undefined) === (login.secretIdFile === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['vault', 'login'],
        message: 'needs exactly one of secretId and secretIdFile',
      });
    }
    if (settings.leases.backoffMaxMs < settings.leases.backoffBaseMs) {
      context.addIssue({
        code: 'custom',
        path: ['leases', 'backoffMaxMs'],
        message: 'is less than backoffBaseMs',
      });
    }
  });

export type SettingsValues = z.output<typeof settingsSchema>;
export type IssuerSettings = SettingsValues['issuers'][number];
export type RoleBinding = z.output<typeof roleBinding>;

/** The settings as an injectable value: frozen, validated, secrets wrapped. */
export abstract class Settings {
  abstract readonly values: SettingsValues;
}

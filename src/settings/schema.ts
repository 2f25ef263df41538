import { z } from 'zod';
import { alertsSchema } from './alerts-schema.js';
import { seconds, secret } from './field.js';
import { gatewaySchema } from './gateway-schema.js';
import { auditRetentionSchema } from './audit-retention-schema.js';
import { exportsSchema } from './exports-schema.js';
import { logSchema } from './log-schema.js';
import { issuerSchema } from './issuer-schema.js';
import { leasesSchema } from './leases-schema.js';
import { queueSchema } from './queue-schema.js';
import { revocationsSchema } from './revocations-schema.js';
import { sinksSchema } from './sinks-schema.js';
import { reconciliationSchema } from './reconciliation-schema.js';
import { targetLogsSchema, vaultAuditSchema } from './vault-audit-schema.js';
import { vaultLoginSchema } from './vault-login-schema.js';

/** The settings, all of them. An unknown key is an error; the reference in the docs is generated from here. */
export const settingsSchema = z
  .strictObject({
    roles: z
      .array(z.enum(['api', 'gateway', 'scheduler', 'sequencer']))
      .min(1)
      .default(['api', 'gateway', 'scheduler', 'sequencer'])
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
      clientCertFile: z
        .string()
        .optional()
        .describe('PEM file with the TLS client certificate and its chain; read again when it changes'),
      clientKeyFile: z
        .string()
        .optional()
        .describe('PEM file with the key of the TLS client certificate; read again when it changes'),
      timeoutMs: z.number().int().min(100).max(120_000).default(10_000).describe('longest single call'),
      connections: z.number().int().min(1).max(512).default(64).describe('connections kept to Vault'),
      login: vaultLoginSchema.describe('how the broker logs in to Vault'),
      leaseTokenRole: z
        .string()
        .default('leasegate-lease')
        .describe('token role that makes the tokens of leases'),
      policyPrefix: z
        .string()
        .default('leasegate-credential-')
        .describe('policy of credential NAME is this prefix and NAME'),
    }),
    issuers: z.array(issuerSchema).min(1).describe('the OIDC issuers that are trusted'),
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
        exchange: queueSchema('token exchanges', { concurrency: 16, queue: 1_024 }),
      })
      .prefault({}),
    leases: leasesSchema,
    revocations: revocationsSchema,
    reconciliation: reconciliationSchema,
    gateway: gatewaySchema,
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
          .default(500)
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
    mcp: z
      .strictObject({
        allowedHosts: z
          .array(z.string().regex(/^[a-z0-9.:[\]-]+$/, 'is a host name without port, in lower case'))
          .default([])
          .describe('names besides that of `server.publicUrl` under which `/mcp` is called'),
        allowedOrigins: z
          .array(
            z.string().regex(/^[a-z][a-z0-9+.-]*:\/\/[^/]+$/, 'is an origin such as https://app.example'),
          )
          .default([])
          .describe('web pages that may call `/mcp`, by their Origin; programs send none'),
      })
      .prefault({}),
    audit: z.strictObject({
      log: logSchema,
      retention: auditRetentionSchema,
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
    vaultAudit: vaultAuditSchema,
    targetLogs: targetLogsSchema,
    alerts: alertsSchema,
    sinks: sinksSchema,
    exports: exportsSchema,
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
    const { login, clientCertFile, clientKeyFile } = settings.vault;
    if ((clientCertFile === undefined) !== (clientKeyFile === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['vault', clientCertFile === undefined ? 'clientCertFile' : 'clientKeyFile'],
        message: 'is missing; a client certificate needs both',
      });
    }
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

/** The settings as an injectable value: frozen, validated, secrets wrapped. */
export abstract class Settings {
  abstract readonly values: SettingsValues;
}

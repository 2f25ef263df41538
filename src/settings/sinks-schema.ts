import { z } from 'zod';
import { secret, seconds } from './field.js';

const SMALLEST_FILE_BYTES = 1_024;

const common = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,46}$/, 'is not a name: lower-case letters, digits and dashes')
    .describe('its cursor is kept under this name'),
  kinds: z
    .array(
      z
        .string()
        .regex(/^[a-z_]+(\.[a-z_]+)*(\.\*)?$/, 'is not a kind of event, such as lease.issued or lease.*'),
    )
    .min(1)
    .max(200)
    .optional()
    .describe('only these kinds of events; `lease.*` are all that begin so. All of them unless told'),
  begin: z
    .enum(['now', 'first'])
    .default('now')
    .describe('where a sink that is new begins: at the end of the log, or with its first event'),
  batch: z.int().min(1).max(1_000).default(200).describe('events a delivery'),
};
const address = z.url({ protocol: /^https?$/ });
const internal = z.boolean().default(false).describe('may be a private address, and without TLS');
const caFile = z.string().min(1).optional().describe('PEM file that replaces the system CAs');

const webhook = z
  .strictObject({
    kind: z.literal('webhook'),
    ...common,
    url: address,
    secret: secret.optional().describe('key of the signature (Standard Webhooks, `whsec_…`)'),
    secretFile: z.string().min(1).optional().describe('read at every delivery, so that it can be rotated'),
    internal,
    caFile,
  })
  .superRefine((sink, context) => {
    if ((sink.secret === undefined) === (sink.secretFile === undefined))
      context.addIssue({ code: 'custom', message: 'needs exactly one of secret and secretFile' });
    plainOnlyInside(sink, context);
  });

const otlp = z
  .strictObject({
    kind: z.literal('otlp'),
    ...common,
    url: address.describe('of the logs, such as https://collector.example/v1/logs'),
    tokenHeader: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,64}$/, 'is not the name of a header')
      .default('authorization')
      .describe('header that carries the token; `authorization` has `Bearer` before it'),
    token: secret.optional().describe('what the collector asks for'),
    tokenFile: z.string().min(1).optional().describe('read at every delivery, so that it can be rotated'),
    internal,
    caFile,
  })
  .superRefine((sink, context) => {
    if (sink.token !== undefined && sink.tokenFile !== undefined)
      context.addIssue({ code: 'custom', message: 'takes one of token and tokenFile' });
    plainOnlyInside(sink, context);
  });

const syslog = z
  .strictObject({
    kind: z.literal('syslog'),
    ...common,
    host: z.string().min(1).describe('server that speaks syslog over TLS (RFC 5425)'),
    port: z.int().min(1).max(65_535).default(6514),
    serverName: z.string().min(1).optional().describe('name in its certificate; `host` unless told'),
    caFile,
    clientCertFile: z
      .string()
      .min(1)
      .optional()
      .describe('PEM file with the client certificate and its chain'),
    clientKeyFile: z.string().min(1).optional().describe('PEM file with the key of the client certificate'),
    hostname: z
      .string()
      .regex(/^[!-~]{1,255}$/, 'is not printable ASCII without spaces')
      .optional()
      .describe('HOSTNAME of the messages; that of the machine unless told'),
    enterpriseId: z
      .string()
      .regex(/^\d+(\.\d+)*$/, 'is not an enterprise number')
      .default('32473')
      .describe('private enterprise number of the structured data; 32473 is the one for documentation'),
  })
  .superRefine(({ clientCertFile, clientKeyFile }, context) => {
    if ((clientCertFile === undefined) !== (clientKeyFile === undefined))
      context.addIssue({ code: 'custom', message: 'needs clientCertFile and clientKeyFile, or neither' });
  });

const file = z.strictObject({
  kind: z.literal('file'),
  ...common,
  path: z.string().min(1).describe('of the file that is written to; its folder has to be there'),
  maxBytes: z.int().min(SMALLEST_FILE_BYTES).default(104_857_600).describe('a larger file is put aside'),
  maxAgeSeconds: seconds(1, 31_536_000).default(86_400).describe('an older file is put aside'),
  keep: z.int().min(0).max(10_000).default(14).describe('files put aside that are kept'),
});

/** A receiver that follows the log. */
export const sinkSchema = z.discriminatedUnion('kind', [webhook, syslog, otlp, file]);
export type SinkSettings = z.output<typeof sinkSchema>;

/** Sinks: who is sent every event, and how patiently. */
export const sinksSchema = z
  .strictObject({
    receivers: z.array(sinkSchema).max(32).default([]),
    pollMs: z.int().min(50).max(60_000).default(1_000).describe('how often is looked for new events'),
    timeoutMs: z.int().min(100).max(120_000).default(10_000).describe('longest single delivery'),
    backoffMaxSeconds: seconds(1, 86_400).default(300).describe('longest wait between two attempts'),
    deadLetterAfterAttempts: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('an event that was refused so often is put aside once the receiver takes a later one'),
    lagAlertSeconds: seconds(1, 86_400)
      .default(300)
      .describe('a sink that is further behind is `sink.lagging`'),
    deliveredLettersDays: z
      .int()
      .min(1)
      .max(3_650)
      .default(30)
      .describe('dead letters that were delivered after all are listed for so long'),
  })
  .superRefine(({ receivers }, context) => {
    const names = new Set<string>();
    receivers.forEach(({ name }, index) => {
      if (names.has(name))
        context.addIssue({
          code: 'custom',
          path: ['receivers', index, 'name'],
          message: 'is that of another sink',
        });
      names.add(name);
    });
  })
  .prefault({});

function plainOnlyInside(
  { url, internal: inside }: { readonly url: string; readonly internal: boolean },
  context: z.core.$RefinementCtx,
): void {
  if (url.startsWith('http:') && !inside)
    context.addIssue({
      code: 'custom',
      path: ['url'],
      message: 'is plain http; only an internal sink may be',
    });
}

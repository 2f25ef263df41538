import { z } from 'zod';
import { secret, seconds } from './field.js';

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'is not a name: lower-case letters, digits and dashes')
  .describe('what rules call it');
const internal = z.boolean().default(false).describe('may be a private address, and without TLS');

const webhook = z
  .strictObject({
    kind: z.literal('webhook'),
    name,
    url: z.url({ protocol: /^https?$/ }),
    secret: secret.optional().describe('key of the signature (Standard Webhooks, `whsec_…`)'),
    secretFile: z.string().min(1).optional().describe('read at every delivery, so that it can be rotated'),
    internal,
    caFile: z.string().min(1).optional().describe('PEM file that replaces the system CAs'),
  })
  .superRefine((channel, context) => {
    if ((channel.secret === undefined) === (channel.secretFile === undefined))
      context.addIssue({ code: 'custom', message: 'needs exactly one of secret and secretFile' });
    if (channel.url.startsWith('http:') && !channel.internal)
      context.addIssue({
        code: 'custom',
        path: ['url'],
        message: 'is plain http; only an internal channel may be',
      });
  });

const slack = z
  .strictObject({
    kind: z.literal('slack'),
    name,
    url: secret.optional().describe('incoming webhook; whoever knows it may post'),
    urlFile: z.string().min(1).optional().describe('file with that URL'),
    internal,
    caFile: z.string().min(1).optional(),
  })
  .superRefine((channel, context) => {
    if ((channel.url === undefined) === (channel.urlFile === undefined))
      context.addIssue({ code: 'custom', message: 'needs exactly one of url and urlFile' });
  });

const email = z
  .strictObject({
    kind: z.literal('email'),
    name,
    host: z.string().min(1).describe('SMTP server'),
    port: z.int().min(1).max(65_535).default(587),
    tls: z.enum(['starttls', 'implicit', 'none']).default('starttls').describe('`none` only when internal'),
    username: z.string().min(1).optional(),
    password: secret.optional(),
    passwordFile: z.string().min(1).optional(),
    from: z.email(),
    to: z.array(z.email()).min(1).max(32),
    internal,
    caFile: z.string().min(1).optional(),
  })
  .superRefine((channel, context) => {
    const passwords = [channel.password, channel.passwordFile].filter((given) => given !== undefined).length;
    if (passwords !== (channel.username === undefined ? 0 : 1))
      context.addIssue({
        code: 'custom',
        message: 'takes a username together with one of password and passwordFile, or neither',
      });
    if (channel.tls === 'none' && !channel.internal)
      context.addIssue({
        code: 'custom',
        path: ['tls'],
        message: 'is none; only an internal channel may be without TLS',
      });
  });

const log = z.strictObject({ kind: z.literal('log'), name });

/** Where alerts go. */
export const channelSchema = z.discriminatedUnion('kind', [webhook, slack, email, log]);
export type ChannelSettings = z.output<typeof channelSchema>;

/** Alerts: their rules, their channels, and how long somebody is tried to be told. */
export const alertsSchema = z
  .strictObject({
    rulesFolder: z
      .string()
      .min(1)
      .optional()
      .describe('YAML files, one rule each; the rules that come with the program unless told'),
    channels: z
      .array(channelSchema)
      .max(32)
      .default([])
      .describe('without any, alerts go to the log of the program'),
    expireHours: z
      .int()
      .min(1)
      .max(720)
      .default(72)
      .describe('a notification that nobody took for this long is given up, which is an event'),
    timeoutMs: z.int().min(100).max(60_000).default(10_000).describe('longest single delivery'),
    retentionDays: z
      .int()
      .min(1)
      .max(3_650)
      .default(90)
      .describe('alerts are dropped so long after their end'),
    followMs: z.int().min(100).max(60_000).default(1_000).describe('how often new events are looked at'),
    backoffMaxSeconds: seconds(1, 86_400).default(900).describe('longest wait between two attempts'),
  })
  .superRefine(({ channels }, context) => {
    const names = new Set<string>();
    channels.forEach((channel, index) => {
      if (names.has(channel.name) || (channel.name === 'log' && channel.kind !== 'log'))
        context.addIssue({
          code: 'custom',
          path: ['channels', index, 'name'],
          message: names.has(channel.name) ? 'is that of another channel' : 'is that of the built-in channel',
        });
      names.add(channel.name);
    });
  })
  .prefault({});

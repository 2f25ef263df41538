import { z } from 'zod';
import { labelsSchema, nameSchema } from '../../credential/spec.js';

/** What a limit counts by: one run, one grant, one workload (issuer and subject), or all callers of the tool. */
export const LIMIT_SCOPES = ['run', 'grant', 'workload', 'tool'] as const;

/** What may be done with something that should not pass. */
export const SCRUB_MODES = ['redact', 'block', 'report'] as const;
export type ScrubMode = (typeof SCRUB_MODES)[number];

/** What the scrubber knows by itself, besides the injected credential, which it always looks for. */
export const DETECTORS = ['email', 'card', 'iban', 'key'] as const;
export type Detector = (typeof DETECTORS)[number];

/** A JSON Schema 2020-12; compiled when the tool is written, so one that does not compile is refused there. */
const jsonSchema = z.record(z.string(), z.unknown());
const fieldName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.\-[\]]{0,127}$/, 'is not a parameter name');
const headerName = z
  .string()
  .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/, 'is not a header name (RFC 9110 §5.1)');
const seconds = z.int().min(1).max(2_678_400);
const count = z.int().min(1).max(1_000_000_000);
/** Millionths of the currency that settings name. */
const micros = z.int().min(0).max(1_000_000_000_000);

const declared = z.strictObject({
  schema: jsonSchema,
  required: z.boolean().default(false),
  description: z.string().max(1_000).optional(),
});

const parameters = z
  .strictObject({
    path: z
      .record(fieldName, declared.omit({ required: true }))
      .default({})
      .describe('one for each {name} of the URL'),
    query: z.record(fieldName, declared).default({}),
    header: z.record(headerName, declared).default({}),
    body: z
      .strictObject({
        content_type: z.string().default('application/json'),
        required: z.boolean().default(true),
        schema: jsonSchema.optional().describe('required for JSON; a body of another type is taken as bytes'),
        stream: z
          .boolean()
          .default(false)
          .describe('passes bytes on as they come, from callers of `/g/`; not for JSON and forms'),
        max_bytes: z
          .int()
          .min(1)
          .max(1_099_511_627_776)
          .default(1_073_741_824)
          .describe('of a body that is passed on as it comes; others are bounded by the settings'),
      })
      .optional(),
  })
  .prefault({});

/** How the credential gets into the request. Fields name members of the credential's data. */
const inject = z.discriminatedUnion('as', [
  z.strictObject({ as: z.literal('bearer'), field: z.string().default('api_key') }),
  z.strictObject({
    as: z.literal('basic'),
    username_field: z.string().default('username'),
    password_field: z.string().default('password'),
  }),
  z.strictObject({
    as: z.literal('header'),
    name: headerName,
    field: z.string().default('api_key'),
    prefix: z.string().max(64).default(''),
  }),
  z.strictObject({ as: z.literal('query'), name: fieldName, field: z.string().default('api_key') }),
  z.strictObject({
    as: z.literal('aws-sigv4'),
    service: z.string().min(1),
    region: z.string().min(1),
    access_key_field: z.string().default('access_key'),
    secret_key_field: z.string().default('secret_key'),
    session_token_field: z.string().optional(),
  }),
  z.strictObject({
    as: z.literal('hmac'),
    field: z.string().default('secret'),
    algorithm: z.enum(['sha256', 'sha512']).default('sha256'),
    encoding: z.enum(['hex', 'base64']).default('hex'),
    header: headerName,
    prefix: z.string().max(64).default(''),
    timestamp_header: headerName.optional(),
    signed: z
      .array(z.enum(['method', 'path', 'query', 'timestamp', 'body']))
      .min(1)
      .default(['timestamp', 'method', 'path', 'body']),
    separator: z.string().max(4).default('\n'),
  }),
  z.strictObject({
    as: z.literal('client-certificate'),
    certificate_field: z.string().default('certificate'),
    key_field: z.string().default('private_key'),
    ca_chain_field: z.string().optional(),
  }),
  z.strictObject({
    as: z.literal('oauth-client-credentials'),
    token_url: z.url({ protocol: /^https$/ }),
    client_id_field: z.string().default('client_id'),
    client_secret_field: z.string().default('client_secret'),
    scope: z.string().optional(),
    audience: z.string().optional(),
  }),
]);
export type InjectSpec = z.output<typeof inject>;

const limits = z
  .strictObject({
    calls: z
      .array(z.strictObject({ per: z.enum(LIMIT_SCOPES), max: count, window_seconds: seconds }))
      .max(8)
      .default([])
      .describe('exact sliding windows'),
    concurrent: z
      .array(z.strictObject({ per: z.enum(LIMIT_SCOPES), max: count }))
      .max(4)
      .default([]),
    bytes: z
      .array(z.strictObject({ per: z.enum(LIMIT_SCOPES), max: count, window_seconds: seconds }))
      .max(4)
      .default([])
      .describe('request and response together'),
    budgets: z
      .array(
        z.strictObject({
          per: z.enum(['run', 'grant', 'tool']),
          max_micros: micros,
          window: z.enum(['day', 'run', 'total']).default('total'),
        }),
      )
      .max(4)
      .default([])
      .describe('money; `day` is a day of UTC'),
  })
  .prefault({});
export type ToolLimits = z.output<typeof limits>;

const scrub = z
  .strictObject({
    response: z.enum(SCRUB_MODES).default('redact'),
    request: z.enum(SCRUB_MODES).default('block'),
    detectors: z.array(z.enum(DETECTORS)).default([...DETECTORS]),
    patterns: z
      .array(
        z.strictObject({ name: nameSchema, pattern: z.string().min(1).max(1_000).describe('RE2 syntax') }),
      )
      .max(64)
      .default([]),
    unreadable: z
      .enum(['refuse', 'allow'])
      .default('refuse')
      .describe('answers that cannot be looked into: binary, unknown encodings'),
  })
  .prefault({});
export type ScrubSpec = z.output<typeof scrub>;

const price = z.strictObject({
  /** First day of UTC on which it holds. */
  from: z.iso.date(),
  micros_per_unit: z.number().min(0).max(1_000_000_000),
  /** Where the provider prices by model: the value at `by` that this price is for. */
  of: z.string().optional(),
});
const cost = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('call'), micros }),
  z.strictObject({ by: z.literal('byte'), micros_per_mebibyte: micros }),
  z.strictObject({
    by: z.literal('response'),
    reserve_micros: micros.describe('set aside before the call, settled after it'),
    of: z
      .string()
      .startsWith('/')
      .optional()
      .describe('JSON pointer to what chooses the price, such as the model'),
    stream_of: z
      .string()
      .startsWith('/')
      .optional()
      .describe('where that is in the events of a stream, if elsewhere'),
    units: z
      .array(
        z.strictObject({
          name: nameSchema,
          pointer: z
            .string()
            .startsWith('/')
            .describe('JSON pointer to a number in the answer, or in any event of a stream'),
          stream_pointer: z
            .string()
            .startsWith('/')
            .optional()
            .describe('where the number is in the events of a stream, if elsewhere'),
          in_stream: z
            .enum(['last', 'sum'])
            .default('last')
            .describe('which number of a stream counts: the last (running totals) or all together'),
          less: z
            .string()
            .startsWith('/')
            .optional()
            .describe('JSON pointer to a number that is part of it and priced as another unit'),
          prices: z.array(price).min(1),
        }),
      )
      .min(1)
      .max(16),
  }),
]);
export type CostSpec = z.output<typeof cost>;

/**
 * A tool: one endpoint of a provider, with everything that may vary about it declared. Written the same in files and
 * in the API, in snake_case, since JSON Schemas and pointers in it could not be renamed without breaking them.
 */
export const toolSpecSchema = z.strictObject({
  name: nameSchema,
  description: z.string().max(4_000).optional(),
  labels: labelsSchema,
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  url: z
    .string()
    .max(2_000)
    .describe('scheme, host and path; {name} stands for one whole or part of a path segment; no query'),
  internal: z.boolean().default(false).describe('the host may resolve to private addresses'),
  ca_file: z.string().optional().describe('PEM file that replaces the system CAs for this host'),
  redirects: z
    .array(z.string())
    .max(8)
    .default([])
    .describe('URL templates that a redirect may lead to; none unless listed'),
  parameters,
  response: z
    .strictObject({
      schema: jsonSchema.optional(),
      max_bytes: z.int().min(1).max(1_073_741_824).default(10_485_760),
      stream: z.boolean().default(false).describe('passes the answer on as it comes'),
      headers: z.array(headerName).max(64).default([]).describe('further response headers that callers see'),
    })
    .prefault({}),
  credential: z.strictObject({ name: nameSchema, inject }).optional(),
  limits,
  scrub,
  cost: cost.optional(),
  timeout_ms: z.int().min(100).max(600_000).default(30_000),
  retries: z
    .int()
    .min(0)
    .max(5)
    .default(0)
    .describe('only for GET, HEAD, PUT and DELETE, and only before an answer began'),
});

/** What a caller may send. */
export type ToolSpecInput = z.input<typeof toolSpecSchema>;
/** A spec that was checked, with every default filled in. */
export type ToolSpec = z.output<typeof toolSpecSchema>;

import { z } from 'zod';
import type { KillSelector } from '../../lease/kill/revocation.js';
import { filterText } from './fields.js';

const MOST_LEASES = 1_000;

const issuer = filterText.describe('name of the issuer in the settings, or the exact `iss` of its tokens');
const workload = z.strictObject({ issuer, subject: filterText }).meta({ id: 'WorkloadSelector' });
const target = z.string().min(1).max(512).describe('mount of the secrets engine');

/** Whom or what to kill: exactly one of these. */
export const killSelector = z
  .strictObject({
    run: z.uuid().optional().describe('our id of a run; it is revoked'),
    grant: filterText.optional().describe('id or name; it is suspended, or revoked with `grants`'),
    workload: workload.optional().describe('it is blocked, and its runs end'),
    issuer: issuer.optional().describe('all its workloads are blocked, and their runs end'),
    credential: filterText.optional().describe('it is disabled'),
    target: target.optional().describe('it is blocked: all its credentials are disabled'),
    label: z
      .string()
      .regex(/^[^=]{1,63}=.{0,256}$/, 'is `key=value`')
      .optional()
      .describe('`key=value`: every grant with this label is suspended, or revoked with `grants`'),
    leases: z.array(z.uuid()).min(1).max(MOST_LEASES).optional().describe('ids of leases; no door is shut'),
  })
  .refine((selector) => Object.keys(selector).length === 1, 'names exactly one thing')
  .meta({ id: 'KillSelector' });
export type KillSelectorBody = z.output<typeof killSelector>;

/** What a kill takes. */
export const killBody = z
  .strictObject({
    selector: killSelector,
    reason: z.string().min(1).max(500).optional().describe('why; kept in the events. A block needs one'),
    dry_run: z.boolean().optional().describe('says what would end, and ends nothing'),
    confirmation: z
      .string()
      .max(128)
      .optional()
      .describe('of the problem `confirmation_required`, when many leases would end'),
    grants: z.enum(['suspend', 'revoke']).optional().describe('`suspend` unless told'),
    until: z.iso.datetime().optional().describe('when the block of a workload, issuer or target ends'),
  })
  .meta({ id: 'KillBody' });
export type KillBody = z.output<typeof killBody>;

/** Whom or what to block: exactly one of these. */
export const blockBody = z
  .strictObject({
    workload: workload.optional(),
    issuer: issuer.optional(),
    target: target.optional(),
    reason: z.string().min(1).max(500),
    until: z.iso.datetime().optional().describe('when it ends by itself'),
  })
  .refine(
    ({ workload: one, issuer: other, target: third }) =>
      [one, other, third].filter((each) => each !== undefined).length === 1,
    'names exactly one of workload, issuer and target',
  )
  .meta({ id: 'BlockBody' });
export type BlockBody = z.output<typeof blockBody>;

/** The selector that a body names; `issuerOf` gives the URL of an issuer. */
export function killSelectorOf(body: KillSelectorBody, issuerOf: (named: string) => string): KillSelector {
  if (body.run !== undefined) return { runRef: body.run };
  if (body.grant !== undefined) return { grantId: body.grant };
  if (body.credential !== undefined) return { credential: body.credential };
  if (body.target !== undefined) return { mount: body.target };
  if (body.issuer !== undefined) return { issuer: issuerOf(body.issuer) };
  if (body.workload !== undefined)
    return { issuer: issuerOf(body.workload.issuer), subject: body.workload.subject };
  if (body.label !== undefined) {
    const [label = '', ...value] = body.label.split('=');
    return { label, value: value.join('=') };
  }
  return { leaseIds: body.leases ?? [] };
}

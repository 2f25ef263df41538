import { z } from 'zod';
import type { DryRun } from '../../gateway/tool/tool-dry-run.js';
import { toolSpecSchema } from '../../gateway/tool/tool-spec.js';
import type { Tool, ToolVersion } from '../../gateway/tool/tool.js';
import { instant } from '../schema/fields.js';
import { instantOf } from './page-view.js';

/** A tool as an admin writes it. */
export const toolBody = toolSpecSchema.meta({ id: 'ToolBody' });
export type ToolBody = z.output<typeof toolBody>;

/** A spec as it was saved, with every default filled in. */
const toolSpecView = toolSpecSchema.meta({ id: 'ToolSpecView' });

/** A tool in an answer. */
export const toolView = z
  .object({
    name: z.string(),
    version: z.int().describe('counts every change of the spec; what If-Match compares'),
    enabled: z.boolean(),
    spec: toolSpecView,
    created_at: instant,
    created_by: z.string(),
    updated_at: instant,
  })
  .meta({ id: 'ToolView' });
export type ToolView = z.output<typeof toolView>;

/** What admins see of a tool; its credential is only named. */
export function toolViewOf(tool: Tool): ToolView {
  return {
    name: tool.name,
    version: tool.version,
    enabled: tool.enabled,
    spec: tool.spec,
    created_at: instantOf(tool.createdAt),
    created_by: tool.createdBy,
    updated_at: instantOf(tool.updatedAt),
  };
}

/** One version of a tool, as it was saved. */
export const toolVersionView = z
  .object({
    tool: z.string(),
    version: z.int(),
    spec: toolSpecView,
    created_at: instant,
    created_by: z.string(),
  })
  .meta({ id: 'ToolVersionView' });
export type ToolVersionView = z.output<typeof toolVersionView>;

/** What admins see of a version. */
export function toolVersionViewOf(version: ToolVersion): ToolVersionView {
  return {
    tool: version.tool,
    version: version.version,
    spec: version.spec,
    created_at: instantOf(version.createdAt),
    created_by: version.createdBy,
  };
}

/** What a call would send. */
export const dryRunView = z
  .object({
    tool: z.string(),
    version: z.int(),
    enabled: z.boolean(),
    request: z.object({
      method: z.string(),
      url: z.string(),
      headers: z.record(z.string(), z.string()).describe('what the credential adds is masked'),
      body: z.string().nullable().describe('text of the body; null where there is none'),
      client_certificate: z.boolean().describe('whether the connection would carry one'),
    }),
    destination: z.object({
      allowed: z.boolean(),
      addresses: z.array(z.string()).describe('what the host resolves to'),
      code: z.string().nullable().describe('why it is refused'),
      detail: z.string().nullable(),
    }),
  })
  .meta({ id: 'ToolTestView' });
export type DryRunView = z.output<typeof dryRunView>;

/** What admins see of a dry run. */
export function dryRunViewOf({ tool, version, enabled, request, destination }: DryRun): DryRunView {
  return {
    tool,
    version,
    enabled,
    request: {
      method: request.method,
      url: request.url,
      headers: { ...request.headers },
      body: request.body?.toString('utf8') ?? null,
      client_certificate: request.clientCertificate,
    },
    destination: destination.allowed
      ? { allowed: true, addresses: [...destination.addresses], code: null, detail: null }
      : { allowed: false, addresses: [], code: destination.code, detail: destination.detail ?? null },
  };
}

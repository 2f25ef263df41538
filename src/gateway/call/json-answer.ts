import type { PreparedTool } from './prepared-tool.js';

const JSON_TYPE = /^\s*(?:application\/json|[\w.+-]+\/[\w.+-]+\+json)\s*(?:;|$)/i;

/** Whether a content type says JSON (RFC 8259, RFC 6839 §3.1). */
export function isJson(contentType: string): boolean {
  return JSON_TYPE.test(contentType);
}

/** The answer as JSON, where a rule of the tool looks into it; undefined where none does or where it is none. */
export function jsonOf(tool: PreparedTool, contentType: string, body: Buffer): unknown {
  const { response, cost } = tool.spec;
  if (response.schema === undefined && cost?.by !== 'response') return undefined;
  if (!isJson(contentType)) return undefined;
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

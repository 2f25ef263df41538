import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import type { CallAnswer } from '../../gateway/call/call-answer.js';
import { isJson } from '../../gateway/call/json-answer.js';

const finding = z.object({
  kind: z.string().describe('`credential`, a detector with its kind, or `pattern/NAME`'),
  count: z.int(),
});

/** What `POST /v1/tools/{name}/call` answers. */
export const callEnvelope = z
  .object({
    call: z.object({ id: z.uuid(), tool: z.string(), tool_version: z.int() }),
    response: z.object({
      status: z.int().describe("the provider's"),
      headers: z.record(z.string(), z.string()),
      content_type: z.string(),
      encoding: z.enum(['json', 'text', 'base64']).describe('how `body` is written'),
      body: z.unknown().describe('JSON as it came, text, or bytes in base64; null when there was none'),
    }),
    findings: z.array(finding).describe('what the scrubber found, in either direction'),
    cost: z.object({ micros: z.int(), units: z.record(z.string(), z.number()) }),
  })
  .meta({ id: 'CallView' });

const TEXT =
  /^\s*(?:text\/|application\/(?:x-www-form-urlencoded|xml|yaml|javascript|x-ndjson|jsonl)\b|[\w.+-]+\/[\w.+-]+\+xml\b)/i;

/**
 * The envelope as JSON text. A body that is JSON is put in as it came: parsing and writing it again would change
 * numbers that a double cannot hold. Reads a stream to its end; rejects with what cut it off.
 */
export async function envelopeText(answer: CallAnswer): Promise<string> {
  const content = answer.content ?? (await buffer(answer.body));
  const { costMicros, units } = await answer.settled;
  const { callId, tool, toolVersion, status, headers, contentType } = answer;
  const { encoding, body } = written(contentType, content);
  const call = JSON.stringify({ id: callId, tool, tool_version: toolVersion });
  const head = JSON.stringify({ status, headers, content_type: contentType, encoding }).slice(0, -1);
  const findings = JSON.stringify(answer.findings());
  const cost = JSON.stringify({ micros: costMicros, units });
  return `{"call":${call},"response":${head},"body":${body}},"findings":${findings},"cost":${cost}}`;
}

function written(
  contentType: string,
  content: Buffer,
): { readonly encoding: 'json' | 'text' | 'base64'; readonly body: string } {
  if (content.length === 0) return { encoding: 'text', body: 'null' };
  const text = content.toString('utf8');
  if (isJson(contentType) && isJsonText(text)) return { encoding: 'json', body: text };
  if (isJson(contentType) || TEXT.test(contentType)) return { encoding: 'text', body: JSON.stringify(text) };
  return { encoding: 'base64', body: JSON.stringify(content.toString('base64')) };
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

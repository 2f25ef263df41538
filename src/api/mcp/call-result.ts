import type { CallToolResult } from '@modelcontextprotocol/server';
import type { BrokerError } from '../../kernel/broker-error.js';
import type { CallAnswer } from '../../gateway/call/call-answer.js';
import { ERROR_CODES } from '../../kernel/error-codes.js';
import { CallProgress, type TellProgress } from './call-progress.js';

type Content = CallToolResult['content'][number];

/** Under which key of `_meta` a result says which call it was, and what it cost. */
export const CALL_META = 'leasegate/call';
/** Under which key of `_meta` a refusal says its code. */
export const REFUSAL_META = 'leasegate/refusal';

const TEXT =
  /^text\/|[/+]json$|[/+]xml$|^application\/(x-www-form-urlencoded|javascript|yaml|x-ndjson|jsonl)$/;

/**
 * What a model sees of an answer: text, picture, sound, or a resource in base64. A status from 400 is an error of the
 * tool, so that the model can correct itself. Reads the whole body, and tells what comes of a stream as it comes where
 * somebody asked for that; rejects with what cut it off.
 */
export async function resultOf(
  answer: CallAnswer,
  structured: boolean,
  tell?: TellProgress,
): Promise<CallToolResult> {
  const body = answer.content ?? (await streamedBody(answer, tell));
  const end = await answer.settled;
  const failed = answer.status >= 400;
  const object = structured && !failed ? objectIn(body) : undefined;
  return {
    content: [contentOf(answer, body)],
    ...(object === undefined ? {} : { structuredContent: object }),
    ...(failed ? { isError: true } : {}),
    _meta: {
      [CALL_META]: {
        id: answer.callId,
        tool: answer.tool,
        tool_version: answer.toolVersion,
        status: answer.status,
        cost_micros: end.costMicros,
        findings: answer.findings(),
      },
    },
  };
}

/** A refusal as an error of the tool: its code first, then what to do about it. */
export function refusalOf(error: BrokerError, field: string | undefined, reference: string): CallToolResult {
  const retryAfterSeconds =
    error.retryAfterSeconds === undefined ? undefined : Math.max(1, Math.ceil(error.retryAfterSeconds));
  const lines = [
    `${error.code}: ${error.detail ?? ERROR_CODES[error.code].title}`,
    ...(field === undefined ? [] : [`field: ${field}`]),
    ...(retryAfterSeconds === undefined ? [] : [`try again after ${retryAfterSeconds} s`]),
  ];
  return {
    content: [{ type: 'text', text: lines.join('\n') }],
    isError: true,
    _meta: {
      [REFUSAL_META]: {
        code: error.code,
        status: error.status,
        reference,
        ...(field === undefined ? {} : { field }),
        ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }),
      },
    },
  };
}

async function streamedBody({ body, contentType }: CallAnswer, tell?: TellProgress): Promise<Buffer> {
  const progress = tell === undefined ? undefined : new CallProgress(contentType, tell);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      progress?.chunk(chunk);
    }
  } finally {
    progress?.end();
  }
  return Buffer.concat(chunks);
}

function contentOf({ callId, contentType, status }: CallAnswer, body: Buffer): Content {
  const mimeType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (body.length === 0) return { type: 'text', text: `status ${status}, no content` };
  if (mimeType === '' || TEXT.test(mimeType)) return { type: 'text', text: body.toString('utf8') };
  const data = body.toString('base64');
  if (mimeType.startsWith('image/')) return { type: 'image', data, mimeType };
  if (mimeType.startsWith('audio/')) return { type: 'audio', data, mimeType };
  return { type: 'resource', resource: { uri: `leasegate:call/${callId}`, mimeType, blob: data } };
}

function objectIn(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

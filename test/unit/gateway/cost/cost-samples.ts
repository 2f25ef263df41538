import type { CostRule } from '../../../../src/gateway/cost/cost-rule.js';
import type { CallCost } from '../../../../src/gateway/cost/call-cost.js';
import { toolSpecSchema, type CostSpec } from '../../../../src/gateway/tool/tool-spec.js';

/** When the calls of these tests are made. */
export const AT = new Date('2026-03-15T23:59:59.000Z');

/** A cost rule as the catalogue keeps it, with its defaults filled in. */
export function costSpec(cost: Readonly<Record<string, unknown>>): CostSpec {
  const spec = toolSpecSchema.parse({ name: 'sample', method: 'GET', url: 'https://api.example.com/', cost });
  if (spec.cost === undefined) throw new Error('a sample without a cost');
  return spec.cost;
}

/** Chat completions in the style of OpenAI; the cached part of the prompt is cheaper. */
export const CHAT = costSpec({
  by: 'response',
  reserve_micros: 50_000,
  of: '/model',
  units: [
    {
      name: 'input',
      pointer: '/usage/prompt_tokens',
      less: '/usage/prompt_tokens_details/cached_tokens',
      prices: [
        { from: '2025-01-01', of: 'large', micros_per_unit: 2.5 },
        { from: '2025-01-01', of: 'small', micros_per_unit: 0.15 },
      ],
    },
    {
      name: 'cached',
      pointer: '/usage/prompt_tokens_details/cached_tokens',
      prices: [{ from: '2025-01-01', micros_per_unit: 0.075 }],
    },
    {
      name: 'output',
      pointer: '/usage/completion_tokens',
      prices: [
        { from: '2025-01-01', of: 'large', micros_per_unit: 10 },
        { from: '2025-01-01', of: 'small', micros_per_unit: 0.6 },
      ],
    },
  ],
});

/** Messages in the style of Anthropic: a stream says the input first and running totals of the output after. */
export const MESSAGES = costSpec({
  by: 'response',
  reserve_micros: 80_000,
  of: '/model',
  stream_of: '/message/model',
  units: [
    {
      name: 'input',
      pointer: '/usage/input_tokens',
      stream_pointer: '/message/usage/input_tokens',
      prices: [{ from: '2025-01-01', of: 'poet', micros_per_unit: 3 }],
    },
    {
      name: 'output',
      pointer: '/usage/output_tokens',
      prices: [{ from: '2025-01-01', of: 'poet', micros_per_unit: 15 }],
    },
  ],
});

/** Settles a stream that came in these chunks. */
export function streamed(rule: CostRule, chunks: readonly (string | Buffer)[], complete = true): CallCost {
  const stream = rule.stream();
  for (const chunk of chunks) stream.chunk(Buffer.from(chunk as string));
  return stream.settle({ requestBytes: 10, responseBytes: 20, at: AT, status: 200, complete });
}

/** A stream of chat completions, as OpenAI sends it with `include_usage`. */
export const CHAT_STREAM = [
  '{"id":"c","model":"small","choices":[{"delta":{"content":"the usage of tokens"}}],"usage":null}',
  '{"id":"c","model":"small","choices":[{"delta":{"content":"näher ☃"}}],"usage":null}',
  '{"id":"c","model":"small","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":200,"prompt_tokens_details":{"cached_tokens":400}}}',
  '[DONE]',
]
  .map((data) => `data: ${data}\n\n`)
  .join('');

/** A stream of a message, as Anthropic sends it. */
export const MESSAGE_STREAM = [
  [
    'message_start',
    '{"type":"message_start","message":{"model":"poet","usage":{"input_tokens":25,"output_tokens":1}}}',
  ],
  [
    'content_block_delta',
    '{"type":"content_block_delta","delta":{"type":"text_delta","text":"\\"output_tokens\\""}}',
  ],
  ['message_delta', '{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":7}}'],
  [
    'message_delta',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}',
  ],
  ['message_stop', '{"type":"message_stop"}'],
]
  .map(([event, data]) => `event: ${event}\r\ndata: ${data}\r\n\r\n`)
  .join('');

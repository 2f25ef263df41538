import { CompiledTool } from '../../../../src/gateway/tool/compiled-tool.js';
import { reviewedTool } from '../../../../src/gateway/tool/tool-review.js';
import type { ToolSpecInput } from '../../../../src/gateway/tool/tool-spec.js';

const at = new Date('2026-11-21T00:00:00Z');

/** A tool as it would come from the catalogue. */
export function compiledTool(spec: ToolSpecInput): CompiledTool {
  const reviewed = reviewedTool(spec);
  return CompiledTool.of({
    name: reviewed.name,
    version: 1,
    spec: reviewed,
    enabled: true,
    credentialOff: false,
    createdAt: at,
    createdBy: 'test',
    updatedAt: at,
  });
}

/** A tool with one path parameter that takes any text. */
export const ORDERS: ToolSpecInput = {
  name: 'orders',
  method: 'GET',
  url: 'https://api.example.com/v1/users/{user_id}/orders',
  parameters: {
    path: { user_id: { schema: { type: 'string' } } },
    query: {
      limit: { schema: { type: 'integer', minimum: 1, maximum: 100 } },
      kind: { schema: { type: 'array', items: { enum: ['open', 'paid'] } } },
      note: { schema: { type: 'string' } },
    },
    header: { 'X-Trace': { schema: { type: 'string' } } },
  },
};

/** A tool with a JSON body. */
export const CHAT: ToolSpecInput = {
  name: 'chat',
  method: 'POST',
  url: 'https://api.example.com/v1/chat/completions',
  parameters: {
    body: {
      schema: {
        type: 'object',
        required: ['model', 'messages'],
        properties: {
          model: { type: 'string' },
          messages: { type: 'array', items: { $ref: '#/$defs/message' } },
          metadata: { type: 'object' },
        },
        $defs: {
          message: {
            type: 'object',
            required: ['role'],
            properties: { role: { type: 'string' }, content: { type: 'string' } },
          },
        },
      },
    },
  },
};

/** The code and field of what is thrown, or what was answered. */
export function refusal(attempt: () => unknown): unknown {
  try {
    return attempt();
  } catch (error) {
    const { code, field } = error as { code?: string; field?: string };
    return code === undefined ? error : { code, field };
  }
}

import { expect } from 'vitest';
import { EVENTS_TYPE, streamed, type ScrubOptions } from './parts.js';

/** How a provider sends a piece of a text, and where it is to be found again. */
export interface Shape {
  readonly event: (piece: string) => unknown;
  readonly read: (event: never) => string;
}

/** Of providers. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  'OpenAI chat': {
    event: (content) => ({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      model: 'm-4.1',
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    }),
    read: ({ choices }: { choices: [{ delta: { content: string } }] }) => choices[0].delta.content,
  },
  'OpenAI tool call': {
    event: (piece) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index: 1, function: { arguments: piece } }] } }],
    }),
    read: ({ choices }: { choices: [{ delta: { tool_calls: [{ function: { arguments: string } }] } }] }) =>
      choices[0].delta.tool_calls[0].function.arguments,
  },
  'OpenAI responses': {
    event: (delta) => ({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, delta }),
    read: ({ delta }: { delta: string }) => delta,
  },
  'Anthropic text': {
    event: (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    read: ({ delta }: { delta: { text: string } }) => delta.text,
  },
  'Anthropic tool use': {
    event: (piece) => ({
      type: 'content_block_delta',
      index: 1,
      delta: { type: 'input_json_delta', partial_json: piece },
    }),
    read: ({ delta }: { delta: { partial_json: string } }) => delta.partial_json,
  },
  Gemini: {
    event: (text) => ({ candidates: [{ content: { parts: [{ text }], role: 'model' } }] }),
    read: ({ candidates }: { candidates: [{ content: { parts: [{ text: string }] } }] }) =>
      candidates[0].content.parts[0].text,
  },
  'a bare string': { event: (piece) => piece, read: (piece: string) => piece },
};

/** An event with this payload. */
export const sse = (payload: unknown): string => `data: ${JSON.stringify(payload)}\n\n`;

/** What the events of a stream say. */
export function payloads(text: string): unknown[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as unknown);
}

/** The text that is spread over events. */
export function joined({ read }: Shape, text: string): string {
  return payloads(text)
    .map((event) => read(event as never))
    .join('');
}

/** The pieces of a text that is cut at these characters. */
export function cut(text: string, at: readonly number[]): string[] {
  const characters = [...text];
  const places = [
    0,
    ...at.map((place) => place % (characters.length + 1)).sort((a, b) => a - b),
    characters.length,
  ];
  return places.slice(1).map((end, index) => characters.slice(places[index], end).join(''));
}

/** The text of a stream of these pieces, once it was scrubbed; no event may be missing. */
export async function spread(
  shape: Shape,
  pieces: readonly string[],
  options?: ScrubOptions,
): Promise<string> {
  const { text } = await streamed(
    pieces.map((piece) => sse(shape.event(piece))),
    EVENTS_TYPE,
    options,
  );
  expect(payloads(text)).toHaveLength(pieces.length);
  return joined(shape, text);
}

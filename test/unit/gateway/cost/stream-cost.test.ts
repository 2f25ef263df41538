import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CostRule } from '../../../../src/gateway/cost/cost-rule.js';
import { CHAT, CHAT_STREAM, costSpec, MESSAGE_STREAM, MESSAGES, streamed } from './cost-samples.js';

const chat = CostRule.of(CHAT);
const messages = CostRule.of(MESSAGES);
const MEBIBYTE = 1_048_576;

const CHAT_COST = {
  micros: Math.round(600 * 0.15 + 400 * 0.075 + 200 * 0.6),
  units: { input: 600, cached: 400, output: 200 },
  estimated: false,
};
const MESSAGE_COST = { micros: 25 * 3 + 15 * 15, units: { input: 25, output: 15 }, estimated: false };

describe('a stream whose cost is not known', () => {
  it('that never says its usage costs what was set aside', () => {
    const withoutUsage = CHAT_STREAM.split('\n\n').slice(0, 2).join('\n\n');
    expect(streamed(chat, [withoutUsage])).toEqual({ micros: 50_000, units: {}, estimated: true });
    expect(streamed(chat, [])).toMatchObject({ micros: 50_000, estimated: true });
  });

  it('that was cut off costs at least what was set aside', () => {
    const begun = MESSAGE_STREAM.split('\r\n\r\n').slice(0, 3).join('\r\n\r\n');
    const cost = streamed(messages, [begun], false);
    expect(cost).toEqual({ micros: 80_000, units: { input: 25, output: 7 }, estimated: true });
  });

  it('with an event that is too long to look at is not believed beyond that', () => {
    const long = `data: {"usage":"${'x'.repeat(MEBIBYTE)}"}\n\n`;
    expect(streamed(chat, [long, CHAT_STREAM])).toMatchObject({ micros: 50_000, estimated: true });
  });

  it('with an event that goes on for ever is read again after it', () => {
    const endless = Array.from({ length: 64 }, () => 'x'.repeat(MEBIBYTE));
    const cost = streamed(chat, ['data: ', ...endless, '\n\n', CHAT_STREAM]);
    expect(cost).toMatchObject({ estimated: true, units: CHAT_COST.units });
  });
});

describe('the cost of a stream', () => {
  it('of chat completions is in its last event', () => {
    expect(streamed(chat, [CHAT_STREAM])).toEqual(CHAT_COST);
  });

  it('of a message is in its first and its last', () => {
    expect(streamed(messages, [MESSAGE_STREAM])).toEqual(MESSAGE_COST);
  });

  it.each([
    ['chat', chat, CHAT_STREAM, CHAT_COST],
    ['message', messages, MESSAGE_STREAM, MESSAGE_COST],
    ['message with lone CRs', messages, MESSAGE_STREAM.replaceAll('\r\n', '\r'), MESSAGE_COST],
    ['chat without a last blank line', chat, CHAT_STREAM.replace(/\n\ndata: \[DONE\]\n\n$/, ''), CHAT_COST],
  ] as const)('is the same wherever its chunks end: %s', (_name, rule, text, cost) => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), (cuts) => {
        const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
        expect(streamed(rule, chunks)).toEqual(cost);
      }),
      { seed: 4, numRuns: 200 },
    );
    const single = [...bytes].map((byte) => Buffer.of(byte));
    expect(streamed(rule, single)).toEqual(cost);
  });

  it('joins the lines of an event, and passes over comments, other fields and what is no JSON', () => {
    const text =
      ': keep-alive\n\nretry: 10\nid: 1\ndata: {"model":"small",\ndata:"usage":{"prompt_tokens":4}}\n\ndata: {"usage":\n\n';
    expect(streamed(chat, [text]).units).toEqual({ input: 4 });
  });

  it('adds up where each event says its own part, also in JSON Lines', () => {
    const rule = CostRule.of(
      costSpec({
        by: 'response',
        reserve_micros: 9,
        units: [
          {
            name: 'rows',
            pointer: '/rows',
            in_stream: 'sum',
            prices: [{ from: '2025-01-01', micros_per_unit: 10 }],
          },
        ],
      }),
    );
    const lines = '{"rows":3}\n{"other":1}\n{"rows":4}\n';
    expect(streamed(rule, [lines])).toEqual({ micros: 70, units: { rows: 7 }, estimated: false });
  });
});

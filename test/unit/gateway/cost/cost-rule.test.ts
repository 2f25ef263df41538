import { describe, expect, it } from 'vitest';
import { CostRule } from '../../../../src/gateway/cost/cost-rule.js';
import { AT, CHAT, costSpec } from './cost-samples.js';

const sizes = { requestBytes: 524_288, responseBytes: 1_048_576, at: AT };
const usage = { prompt_tokens: 1_000, completion_tokens: 200 };

describe('a cost that is not known is what was set aside', () => {
  const rule = CostRule.of(CHAT);

  it.each([
    ['an unknown model', { model: 'huge', usage }, 200],
    ['no model', { usage }, 200],
    ['no usage', { model: 'small' }, 200],
    ['no JSON', undefined, 200],
    ['numbers as text', { model: 'small', usage: { prompt_tokens: '1000' } }, 200],
    ['a negative number', { model: 'small', usage: { prompt_tokens: -1_000 } }, 200],
    ['numbers that are inherited', { model: 'small', usage: Object.create(usage) as unknown }, 200],
    ['a model without a price on that day, although an error', { model: 'huge', usage }, 500],
  ])('%s', (_what, json, status) => {
    expect(rule.settle({ ...sizes, json, status })).toMatchObject({ micros: 50_000, estimated: true });
  });

  it('but an error of the provider that reports nothing is free', () => {
    const json = { error: { code: 'rate_limit' } };
    expect(rule.settle({ ...sizes, json, status: 429 })).toEqual({ micros: 0, units: {}, estimated: false });
  });
});

describe('costs', () => {
  it('are nothing without a rule', () => {
    const rule = CostRule.of(undefined);
    expect(rule.reserveMicros()).toBe(0);
    expect(rule.settle(sizes)).toEqual({ micros: 0, units: {}, estimated: false });
  });

  it('flat', () => {
    const rule = CostRule.of(costSpec({ by: 'call', micros: 1_500 }));
    expect(rule.reserveMicros()).toBe(1_500);
    expect(rule.settle(sizes).micros).toBe(1_500);
    expect(rule.stream().settle(sizes).micros).toBe(1_500);
  });

  it('by size, rounded up', () => {
    const rule = CostRule.of(costSpec({ by: 'byte', micros_per_mebibyte: 1_000 }));
    expect(rule.reserveMicros()).toBe(0);
    expect(rule.reserveMicros(524_289)).toBe(501);
    expect(rule.settle(sizes)).toEqual({ micros: 1_500, units: { bytes: 1_572_864 }, estimated: false });
  });

  it('by what the answer reports, with a part that is priced apart', () => {
    const json = { model: 'large', usage: { ...usage, prompt_tokens_details: { cached_tokens: 400 } } };
    expect(CostRule.of(CHAT).settle({ ...sizes, json, status: 200 })).toEqual({
      micros: 600 * 2.5 + 400 * 0.075 + 200 * 10,
      units: { input: 600, cached: 400, output: 200 },
      estimated: false,
    });
  });

  it('count a part that is larger than its whole as all of it', () => {
    const json = { model: 'large', usage: { prompt_tokens: 5, prompt_tokens_details: { cached_tokens: 9 } } };
    expect(CostRule.of(CHAT).settle({ ...sizes, json }).units).toEqual({ input: 0, cached: 9 });
  });

  it('take the price of the day in UTC, and one for exactly this model before one for any', () => {
    const rule = CostRule.of(
      costSpec({
        by: 'response',
        reserve_micros: 1,
        of: '/m~1d/0/model',
        units: [
          {
            name: 'images',
            pointer: '/n',
            prices: [
              { from: '2026-03-16', micros_per_unit: 4_000, of: 'x' },
              { from: '2026-03-01', micros_per_unit: 3_000, of: 'x' },
              { from: '2026-03-10', micros_per_unit: 2_000 },
              { from: '2026-01-01', micros_per_unit: 1_000 },
            ],
          },
        ],
      }),
    );
    const cost = (model: string, at: string): number =>
      rule.settle({ ...sizes, at: new Date(at), json: { 'm/d': [{ model }], n: 2 } }).micros;
    expect(cost('x', '2026-03-15T23:59:59.999Z')).toBe(6_000);
    expect(cost('x', '2026-03-16T00:00:00.000Z')).toBe(8_000);
    expect(cost('y', '2026-03-15T12:00:00.000Z')).toBe(4_000);
    expect(cost('y', '2026-02-15T12:00:00.000Z')).toBe(2_000);
    expect(cost('y', '2025-02-15T12:00:00.000Z')).toBe(1);
  });
});

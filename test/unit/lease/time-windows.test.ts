import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain, type Window } from '../../../src/lease/reconcile/time-windows.js';

const moment = fc.integer({ min: 0, max: 30 });
const window = fc
  .tuple(moment, fc.integer({ min: 0, max: 10 }))
  .map(([fromMs, lengthMs]): Window => ({ fromMs, toMs: fromMs + lengthMs }));
const timed = (times: readonly number[]) => times.map((atMs, thing) => ({ thing, atMs }));

/** The most things that can be given to windows, by trying every way. */
function most(times: readonly number[], windows: readonly Window[]): number {
  const [atMs, ...rest] = times;
  if (atMs === undefined) return 0;
  const without = most(rest, windows);
  const given = windows.flatMap(({ fromMs, toMs }, index) =>
    fromMs <= atMs && atMs <= toMs ? [1 + most(rest, windows.toSpliced(index, 1))] : [],
  );
  return Math.max(without, ...given);
}

describe('things that no row names', () => {
  it('are unexplained when no row was under way, and only then', () => {
    fc.assert(
      fc.property(
        fc.array(moment, { maxLength: 8 }),
        fc.array(window, { maxLength: 6 }),
        (times, windows) => {
          const { unexplained } = explain(timed(times), windows);
          const alone = times.filter((at) => !windows.some(({ fromMs, toMs }) => fromMs <= at && at <= toMs));
          expect(unexplained.length).toBe(alone.length);
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  it('are too many by exactly what no way of giving them away explains', () => {
    fc.assert(
      fc.property(
        fc.array(moment, { maxLength: 6 }),
        fc.array(window, { maxLength: 5 }),
        (times, windows) => {
          const { unexplained, excess } = explain(timed(times), windows);
          expect(unexplained.length + excess).toBe(times.length - most(times, windows));
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  it('without a time fit any row that is left', () => {
    const untimed = [1, 2].map((thing) => ({ thing, atMs: undefined }));
    expect(explain(untimed, [{ fromMs: 0, toMs: 1 }])).toEqual({
      unexplained: [],
      ambiguous: [1, 2],
      excess: 1,
    });
    expect(explain(untimed, [])).toEqual({ unexplained: [1, 2], ambiguous: [], excess: 0 });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../../src/kernel/crash-point.js';
import { agrees, type FaultWorld } from '../../src/dev/fault/fault-world.js';
import type { CrashAction } from '../../src/dev/fault/replica.js';
import { atPoint, play } from './cell.js';
import { POINT_ACTS } from './point-acts.js';
import { startFaultWorld } from './start-fault-world.js';

const ACTIONS: readonly CrashAction[] = ['kill', 'freeze'];
const CELLS = Object.entries(POINT_ACTS).flatMap(([point, act]) =>
  ACTIONS.map((action) => atPoint(point as CrashPoint, action, act)),
);

let world: FaultWorld;

beforeAll(async () => {
  world = await startFaultWorld(6, 1);
}, 240_000);
afterAll(() => world.stop());

describe('a broker that dies or stands still', () => {
  it.concurrent.each(CELLS)('$name', { timeout: 300_000 }, (cell) => play(world, cell));
});

describe('when all of that is over', () => {
  it('the target, Vault, the rows and the log agree', async () => {
    const comparison = await world.rest(200_000);
    expect(comparison).toSatisfy(agrees);
  }, 240_000);
});

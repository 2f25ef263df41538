import { setTimeout as pause } from 'node:timers/promises';
import type { Comparison } from './compare.js';
import { agrees, type FaultWorld } from './fault-world.js';
import { crash, cut } from './storm-faults.js';
import { workThrough } from './storm-worker.js';
import { watchTarget } from './watch.js';

/** How many faults of each kind, and who works meanwhile. */
export interface StormPlan {
  readonly kills: number;
  readonly freezes: number;
  readonly cuts: number;
  readonly workers: number;
  /** Ends the storm even when faults are left, in milliseconds. */
  readonly longestMs: number;
}

/** What a storm did and what it left. */
export interface StormResult extends Comparison {
  readonly kills: number;
  readonly freezes: number;
  readonly cuts: number;
  /** Leases that workers were handed. */
  readonly issued: number;
  readonly ok: boolean;
}

/** So many brokers at least answer when the next one is stopped: workers are to get something done as well. */
const LEAST_SERVING = 2;
const RESTS_WITHIN_MS = 120_000;

/** Plays a storm and compares the books when it is over. The seed of the world decides what happens, not exactly when. */
export async function storm(
  world: FaultWorld,
  plan: StormPlan,
  progress: (line: string) => void,
): Promise<StormResult> {
  const calm = new AbortController();
  const workers = Array.from({ length: plan.workers }, (_, index) =>
    workThrough(world, `worker-${index + 1}`, calm.signal),
  );
  const watch = watchTarget(world, calm.signal);
  const cuts = await faults(world, plan, progress).finally(() => calm.abort());
  progress('the faults are over; waiting until everything has come to rest');
  await Promise.all([...workers, watch]);
  const comparison = await world.rest(RESTS_WITHIN_MS);
  const { deaths, freezes } = world.fleet.counts;
  const issued = world.ledger.leases.length;
  return { kills: deaths, freezes, cuts, issued, ...comparison, ok: agrees(comparison) };
}

async function faults(world: FaultWorld, plan: StormPlan, progress: (line: string) => void): Promise<number> {
  const { fleet } = world;
  const random = world.random.fork();
  const deadline = performance.now() + plan.longestMs;
  let cuts = 0;
  let told = performance.now();
  for (;;) {
    const left = {
      kill: plan.kills - fleet.counts.deaths,
      freeze: plan.freezes - fleet.counts.freezes,
      cut: plan.cuts - cuts,
    };
    const kinds = (['kill', 'freeze', 'cut'] as const).filter((kind) => left[kind] > 0);
    if (kinds.length === 0 || performance.now() > deadline) return cuts;
    if (performance.now() - told > 10_000) {
      told = performance.now();
      const { deaths, freezes } = fleet.counts;
      progress(`${deaths} kills, ${freezes} freezes, ${cuts} cuts, ${world.ledger.leases.length} leases`);
    }
    const kind = drawn(kinds, left, random.fraction());
    if (kind === 'cut') {
      if (await cut(fleet, random)) cuts += 1;
      continue;
    }
    if (fleet.serving.length < LEAST_SERVING) await pause(50);
    else await crash(fleet, random, kind);
  }
}

type Kind = 'kill' | 'freeze' | 'cut';

/** The more of a kind are left, the likelier it is. */
function drawn(kinds: readonly Kind[], left: Readonly<Record<Kind, number>>, fraction: number): Kind {
  const total = kinds.reduce((sum, kind) => sum + left[kind], 0);
  let rest = fraction * total;
  for (const kind of kinds) {
    rest -= left[kind];
    if (rest < 0) return kind;
  }
  return kinds[0] ?? 'kill';
}

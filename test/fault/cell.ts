import { setTimeout as pause } from 'node:timers/promises';
import type { CrashPoint } from '../../src/kernel/crash-point.js';
import type { FaultWorker } from '../../src/dev/fault/fault-worker.js';
import { FAULT_SUBJECT, type FaultWorld } from '../../src/dev/fault/fault-world.js';
import type { CrashAction, Replica } from '../../src/dev/fault/replica.js';
import type { ArmedCut } from '../../src/dev/fault/cut.js';
import { until } from '../support/until.js';

/** Where a fault is waiting. */
export interface Trap {
  /** Whether it happened. */
  sprung(): Promise<boolean>;
  /** It does not happen any more. */
  remove(): Promise<void>;
}

/** One fault under test: where it is set, and what leads a broker to it. */
export interface Cell {
  readonly name: string;
  readonly act: (scene: Scene) => Promise<void>;
  /** Sets the fault at a broker. */
  readonly set: (replica: Replica) => Promise<Trap>;
}

/** What an act has to work with. */
export interface Scene {
  readonly world: FaultWorld;
  readonly worker: FaultWorker;
  readonly runId: string;
  readonly subject: string;
  /** The broker that this cell has to itself. */
  readonly replica: Replica;
  /** Sets the fault at that broker; when nobody met it there in an earlier attempt, at every broker. */
  here(): Promise<void>;
  /**
   * Sets the fault at every broker, since who does the work of jobs is not known before, and waits until it has
   * happened or time is up; `poke` is called again and again meanwhile.
   */
  everywhere(poke?: () => Promise<void>): Promise<void>;
  /** Waits until the fault has happened or time is up. */
  sprung(): Promise<void>;
}

const borrowed = new Set<Replica>();
const ATTEMPTS = 8;
/**
 * How long a fault may be late, times the number of the attempt: a broker that others have cut off from a mount leaves
 * it alone for five seconds, and what is to be revoked there comes round to somebody else.
 */
const LATE_MS = 1_000;
const WITHIN_MS = 45_000;
const LOOK_EVERY_MS = 100;

/** Plays a cell until its fault has happened; a fault of another cell may have come in between. */
export async function play(world: FaultWorld, cell: Cell): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const runId = `${cell.name}#${attempt}`;
    const traps = new Map<Replica, Trap>();
    const replica = await borrow(world);
    const set = async (one: Replica): Promise<void> => void traps.set(one, await cell.set(one));
    const happened = async (): Promise<boolean> => {
      for (const trap of traps.values()) if (await trap.sprung()) return true;
      return false;
    };
    const within = async (poke: () => Promise<void>, longestMs = WITHIN_MS): Promise<void> => {
      const deadline = performance.now() + longestMs;
      while (!(await happened()) && performance.now() < deadline) {
        await poke();
        await pause(LOOK_EVERY_MS);
      }
    };
    const setAll = async (): Promise<void> => {
      // Others come and go meanwhile.
      for (const one of world.fleet.serving) if (!traps.has(one)) await set(one);
    };
    const scene: Scene = {
      world,
      worker: world.worker(),
      runId,
      subject: FAULT_SUBJECT,
      replica,
      sprung: () => within(async () => undefined),
      // Another one was quicker the first time: then it may meet the fault as well.
      here: () => (attempt === 1 ? set(replica) : setAll()),
      everywhere: (poke) =>
        within(async () => {
          await setAll();
          await poke?.();
        }),
    };
    try {
      await cell.act(scene);
      await within(async () => undefined, attempt * LATE_MS);
      if (await happened()) return;
    } finally {
      borrowed.delete(replica);
      for (const trap of traps.values()) await trap.remove();
    }
  }
  throw new Error(`the fault did not happen in ${ATTEMPTS} attempts`);
}

/** A cell that stops the process at a crash point. */
export function atPoint(point: CrashPoint, action: CrashAction, act: Cell['act']): Cell {
  return {
    name: `${action} ${point}`,
    act,
    set: async (replica) => {
      await replica.arm(point, action);
      return {
        sprung: async () => (await replica.stoppedAt()).includes(point),
        remove: () => replica.disarm(point),
      };
    },
  };
}

/** A cell that cuts a connection. */
export function withCut(name: string, cut: (replica: Replica) => ArmedCut, act: Cell['act']): Cell {
  return {
    name,
    act,
    set: async (replica) => {
      const armed = cut(replica);
      let happened = false;
      void armed.happened.then(() => (happened = true));
      return { sprung: async () => happened, remove: async () => armed.disarm() };
    },
  };
}

async function borrow(world: FaultWorld): Promise<Replica> {
  const replica = await until(() => world.fleet.serving.find((one) => !borrowed.has(one)), {
    deadlineMs: 120_000,
    what: 'a broker that nobody uses',
  });
  borrowed.add(replica);
  return replica;
}

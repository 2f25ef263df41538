import { setTimeout as pause } from 'node:timers/promises';
import type { FaultParts } from './fault-parts.js';
import { LONGEST_DEADLINE_MS } from './fault-settings.js';
import { Replica } from './replica.js';
import type { Seeded } from './seeded.js';

/** Longer than any deadline: who wakes up after this has lost every claim and lock. */
export const FREEZE_MS = LONGEST_DEADLINE_MS + 1_000;

const LOOK_EVERY_MS = 50;
/** Characters of its log that are kept of a broker that ended by itself. */
const LAST_WORDS = 4_000;

/**
 * Several brokers on the same parts. One that dies is replaced by a new one; one that stands still goes on after
 * {@link FREEZE_MS}, when the others have done its work.
 */
export class Fleet {
  readonly #replicas: Replica[] = [];
  readonly #replacing = new Set<Promise<void>>();
  readonly #thawing = new Set<Replica>();
  readonly #looking: NodeJS.Timeout;
  #stopping = false;
  #failure: Error | undefined;
  readonly #lastWords: string[] = [];
  #deaths = 0;
  #freezes = 0;

  private constructor(private readonly parts: FaultParts) {
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Starts so many and waits until all serve. */
  static async start(parts: FaultParts, size: number): Promise<Fleet> {
    const fleet = new Fleet(parts);
    // One first: it makes the rows that all of them share.
    await fleet.#add();
    await Promise.all(Array.from({ length: size - 1 }, () => fleet.#add()));
    return fleet;
  }

  /** Those that are there, frozen ones too. */
  get replicas(): readonly Replica[] {
    return this.#replicas;
  }

  /** How many have died and how many have stood still until now, however that came. */
  get counts(): { readonly deaths: number; readonly freezes: number } {
    return { deaths: this.#deaths, freezes: this.#freezes };
  }

  /** How each of those that nobody killed ended, and what it said last. */
  get lastWords(): readonly string[] {
    return this.#lastWords;
  }

  /** Those that can answer. */
  get serving(): readonly Replica[] {
    return this.#replicas.filter((replica) => replica.serves);
  }

  /** One that can answer; waits for it where all are down. */
  async one(random: Seeded): Promise<Replica> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const { serving } = this;
      if (serving.length > 0) return random.oneOf(serving);
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Stops one where it is; it goes on after {@link FREEZE_MS}. */
  freeze(replica: Replica): void {
    replica.freeze();
    this.#look();
  }

  /** Waits until nobody stands still and everybody who died has been replaced. */
  async recovered(): Promise<void> {
    do {
      await Promise.allSettled(this.#replacing);
      // Whoever has just been stopped is noticed a look later.
      await pause(2 * LOOK_EVERY_MS);
    } while (this.#replacing.size > 0 || this.#thawing.size > 0);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#looking);
    await Promise.allSettled(this.#replacing);
    await Promise.all(this.#replicas.map((replica) => replica.stop()));
  }

  async #add(): Promise<void> {
    const replica = await Replica.start(this.parts);
    this.#replicas.push(replica);
    void replica.ended.then((how) => {
      if (how !== 'SIGKILL')
        this.#lastWords.push(`ended with ${how}: ${replica.output().slice(-LAST_WORDS)}`);
      this.#replace(replica);
    });
  }

  #replace(dead: Replica): void {
    if (this.#stopping) return;
    this.#deaths += 1;
    this.#replicas.splice(this.#replicas.indexOf(dead), 1);
    const replacing = Promise.all([this.#add(), dead.stop()])
      .then(
        () => undefined,
        (error: unknown) =>
          void (this.#failure ??= new Error('a broker could not be replaced', { cause: error })),
      )
      .finally(() => this.#replacing.delete(replacing));
    this.#replacing.add(replacing);
  }

  #look(): void {
    for (const replica of this.#replicas) {
      if (this.#thawing.has(replica) || !replica.noticeFreeze()) continue;
      this.#thawing.add(replica);
      this.#freezes += 1;
      setTimeout(() => {
        this.#thawing.delete(replica);
        replica.thaw();
      }, FREEZE_MS);
    }
  }
}

/** What a burst of load showed. */
export interface Burst {
  /** Each operation's time, in order of completion. */
  readonly latenciesMs: readonly number[];
  readonly perSecond: number;
}

/**
 * A closed loop: that many workers, each starting its next operation when the last has ended, until `operations`
 * are done. An operation that throws ends the burst: a benchmark of failures measures nothing.
 */
export async function burst(
  workers: number,
  operations: number,
  operation: (worker: number) => Promise<void>,
): Promise<Burst> {
  const latenciesMs: number[] = [];
  let started = 0;
  const begin = performance.now();
  const loop = async (worker: number): Promise<void> => {
    while (started < operations) {
      started += 1;
      const at = performance.now();
      await operation(worker);
      latenciesMs.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => loop(worker)));
  return { latenciesMs, perSecond: (latenciesMs.length * 1000) / (performance.now() - begin) };
}

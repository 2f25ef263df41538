import { INTERRUPTED_EXIT_CODE, Interruption } from '../interruption.js';
import { MISSING_PART_EXIT_CODE, MissingPart } from '../missing-part.js';
import { FaultWorld } from './fault-world.js';
import { FaultUsageError, readOptions, USAGE, type FaultOptions } from './options.js';
import { stormParts } from './storm-parts.js';
import { storm, type StormResult } from './storm.js';

const SHOWN = 50;

/** `npm run fault`: a storm of faults over real brokers; answers the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  let options: FaultOptions;
  try {
    options = readOptions(words);
  } catch (error) {
    if (!(error instanceof FaultUsageError)) throw error;
    process.stderr.write(`fault: ${error.message}\n\n${USAGE}\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const interruption = new Interruption();
  try {
    return await Promise.race([play(options), interruption.happened]);
  } catch (error) {
    if (interruption.signal.aborted) return INTERRUPTED_EXIT_CODE;
    if (!(error instanceof MissingPart)) throw error;
    process.stderr.write(`fault: ${error.message}\n`);
    return MISSING_PART_EXIT_CODE;
  } finally {
    interruption.close();
  }
}

async function play(options: FaultOptions): Promise<number> {
  const progress = (line: string): void => void process.stderr.write(`fault: ${line}\n`);
  progress(`seed ${options.seed}`);
  const parts = await stormParts(progress);
  let world: FaultWorld | undefined;
  try {
    world = await FaultWorld.start(parts, options.replicas, options.seed);
    const { kills, freezes, cuts, workers } = options;
    const result = await storm(world, { kills, freezes, cuts, workers, longestMs: Infinity }, progress);
    print(options, result);
    return result.ok ? 0 : 1;
  } finally {
    if (world === undefined) await parts.clear();
    else await world.stop();
  }
}

/** The shape of `--json` is a contract that scripts rely on. */
function print({ seed, json }: FaultOptions, result: StormResult): void {
  const { aliveBeyondLease, rowsWithoutEnd, eventsMissing, eventsDoubled } = result;
  const findings = [...aliveBeyondLease, ...rowsWithoutEnd, ...eventsMissing, ...eventsDoubled];
  for (const finding of findings.slice(0, SHOWN)) process.stderr.write(`fault: ${finding}\n`);
  const counts = {
    seed,
    kills: result.kills,
    freezes: result.freezes,
    cuts: result.cuts,
    issued: result.issued,
    aliveBeyondLease: aliveBeyondLease.length,
    rowsWithoutEnd: rowsWithoutEnd.length,
    eventsMissing: eventsMissing.length,
    eventsDoubled: eventsDoubled.length,
    ok: result.ok,
  };
  if (json) process.stdout.write(`${JSON.stringify(counts)}\n`);
  else
    for (const [name, value] of Object.entries(counts)) process.stdout.write(`${name.padEnd(18)}${value}\n`);
}

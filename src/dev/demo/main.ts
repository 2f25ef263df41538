import { INTERRUPTED_EXIT_CODE, Interruption } from '../interruption.js';
import { MISSING_PART_EXIT_CODE, MissingPart } from '../missing-part.js';
import { Reaper } from '../reaper.js';
import { curlLines, NEXT } from './after.js';
import { DemoUsageError, readOptions, USAGE, type DemoOptions } from './options.js';
import { duration, screenOn } from './screen.js';
import { Steps } from './steps.js';
import { GRANT_NAME, tellStory, WORKER_SUBJECT } from './story.js';
import { Surroundings } from './surroundings.js';

/** What made the clone ready, and how long it took; from `tools/prepare.mjs`. */
export interface Prepared {
  readonly installMs: number;
  readonly buildMs: number;
}

/** `npm run demo`: the whole story on real parts; answers the exit code. */
export async function main(words: readonly string[], prepared: Prepared): Promise<number> {
  let options: DemoOptions;
  try {
    options = readOptions(words);
  } catch (error) {
    if (!(error instanceof DemoUsageError)) throw error;
    process.stderr.write(`demo: ${error.message}\n\n${USAGE}\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  return demonstrate(options, prepared);
}

async function demonstrate(options: DemoOptions, prepared: Prepared): Promise<number> {
  const begin = performance.now();
  const screen = screenOn(options.json ? process.stderr : process.stdout);
  const reaper = new Reaper();
  const interruption = new Interruption();
  const up = new Surroundings(reaper, interruption.signal);
  const steps = new Steps(screen, interruption.signal);
  let exitCode = 1;
  try {
    screen.text('Leasegate: the whole story, on real parts.\n');
    const told = tell(options, prepared, { up, steps, screen, signal: interruption.signal }).then(() => 0);
    exitCode = await Promise.race([told, interruption.happened]);
    if (options.keep && exitCode === 0) {
      const detail = 'left running until Ctrl-C (--keep)';
      steps.add({ name: 'stop', ok: true, ms: 0, detail });
      showResult(options, steps);
      screen.text(`\n${keptText(up)}`);
      await interruption.happened;
      screen.text('ending what was left up');
    }
  } catch (error) {
    exitCode = error instanceof MissingPart ? MISSING_PART_EXIT_CODE : 1;
    // Ctrl-C reaches our children too: what they were doing fails, perhaps before we hear of it.
    if (interruption.signal.aborted) exitCode = INTERRUPTED_EXIT_CODE;
  }
  if (exitCode === INTERRUPTED_EXIT_CODE) screen.text('interrupted: ending what was started');
  const kept = steps.results.at(-1)?.name === 'stop';
  try {
    if (kept || exitCode === INTERRUPTED_EXIT_CODE) await up.end();
    else await steps.run('stop', () => up.end());
  } catch {
    exitCode = exitCode === 0 ? 1 : exitCode;
  }
  screen.close();
  await reaper.close();
  interruption.close();
  if (kept || exitCode === INTERRUPTED_EXIT_CODE) return exitCode;
  showResult(options, steps);
  const spent = duration(performance.now() - begin + prepared.installMs + prepared.buildMs);
  const failed = steps.results.filter(({ ok }) => !ok).length;
  screen.text(
    failed === 0
      ? `\n${steps.results.length} steps in ${spent}.\n\n${NEXT}`
      : `\n${failed} of ${steps.results.length} steps failed, after ${spent}.`,
  );
  return exitCode;
}

interface Telling {
  readonly up: Surroundings;
  readonly steps: Steps;
  readonly screen: ReturnType<typeof screenOn>;
  readonly signal: AbortSignal;
}

async function tell(options: DemoOptions, prepared: Prepared, { up, steps, screen, signal }: Telling) {
  const { installMs, buildMs } = prepared;
  const work = [installMs > 0 ? 'packages installed' : '', buildMs > 0 ? 'built' : ''].filter(Boolean);
  const detail = work.length > 0 ? work.join(', ') : 'packages and build are up to date';
  steps.add({ name: 'install', ok: true, ms: installMs + buildMs, detail });
  await steps.run('vault', () => up.startVault(options.vaultAddress, (line) => screen.progress(line)));
  await steps.run('database', () => up.startDatabase());
  await steps.run('issuer', () => up.startIssuer());
  await steps.run('migrate', () => up.migrate());
  await steps.run('bootstrap', () => up.bootstrap());
  await steps.run('serve', () => up.serve());
  await tellStory(up, steps, signal);
}

/** The one document; only with `--json`. */
function showResult(options: DemoOptions, steps: Steps): void {
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: steps.ok, steps: steps.results })}\n`);
}

function keptText(up: Surroundings): string {
  const lines = curlLines({
    brokerUrl: up.brokerUrl,
    issuerUrl: up.issuerUrl,
    subject: WORKER_SUBJECT,
    grant: GRANT_NAME,
  });
  return `Everything is left up. Ctrl-C ends it.\n\n${lines}`;
}

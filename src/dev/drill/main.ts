import { MISSING_PART_EXIT_CODE, MissingPart } from '../missing-part.js';
import { Reaper } from '../reaper.js';
import { DrillParts } from './drill-parts.js';
import { bothDrill, postgresDrill, vaultDrill, type DrillStep } from './restore-drill.js';

const USAGE = `npm run drill -- restore [--json]

Restores PostgreSQL, then Vault, then both, on real parts of their own, and checks after each that the rows, Vault's
leases and the users at the target agree. Exits with 1 when they do not.`;

interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

/** `npm run drill`; answers the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  const json = words.includes('--json');
  const [drill, ...rest] = words.filter((word) => word !== '--json');
  if (drill !== 'restore' || rest.length > 0) {
    process.stderr.write(`${USAGE}\n`);
    return words.includes('--help') ? 0 : 2;
  }
  const out = json ? process.stderr : process.stdout;
  const steps: StepResult[] = [];
  const reaper = new Reaper();
  let parts: DrillParts | undefined;
  let exitCode = 0;
  const step = async (name: string, work: () => Promise<string>): Promise<void> => {
    const begin = performance.now();
    const add = (ok: boolean, detail: string): void => {
      const ms = Math.round(performance.now() - begin);
      steps.push({ name, ok, ms, detail });
      out.write(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(30)} ${String(ms).padStart(6)} ms  ${detail}\n`);
    };
    try {
      add(true, await work());
    } catch (error) {
      add(false, error instanceof Error ? error.message : String(error));
      throw error;
    }
  };
  try {
    const started = { parts: undefined as DrillParts | undefined };
    await step('parts', async () => {
      started.parts = await DrillParts.start(reaper, (line) => out.write(`... ${line}\n`));
      return 'PostgreSQL, Vault on raft storage, target, issuer and broker are up';
    });
    parts = started.parts;
    if (parts !== undefined) for (const [name, work] of drillsOf(parts)) await step(name, work);
  } catch (error) {
    exitCode = error instanceof MissingPart ? MISSING_PART_EXIT_CODE : 1;
  } finally {
    await parts?.stop();
    await reaper.close();
  }
  if (json) process.stdout.write(`${JSON.stringify({ drill, ok: exitCode === 0, steps })}\n`);
  return exitCode;
}

function drillsOf(parts: DrillParts): readonly DrillStep[] {
  return [...postgresDrill(parts), ...vaultDrill(parts), ...bothDrill(parts)];
}

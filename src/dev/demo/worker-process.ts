import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TargetDatabase } from '../target-database.js';
import type { StepResult } from './step.js';
import { StepFailed, type Steps } from './steps.js';

/** A worker that is started: who it is, and what it may know. */
export interface WorkerPlan {
  /** The token that its platform gave it. */
  readonly platformToken: string;
  readonly brokerUrl: string;
  readonly runId: string;
  readonly stepId: string;
  readonly target: Pick<TargetDatabase, 'host' | 'port' | 'database'>;
  /** A folder of its own. */
  readonly home: string;
  readonly arguments: readonly string[];
  readonly signal: AbortSignal;
}

/** Runs the worker as a process and adds the steps that it reports. Throws {@link StepFailed} when it fails. */
export async function runWorker(plan: WorkerPlan, steps: Steps): Promise<void> {
  const tokenFile = join(plan.home, 'platform-token');
  await writeFile(tokenFile, plan.platformToken, { mode: 0o600 });
  const { host, port, database } = plan.target;
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('worker.js', import.meta.url)), ...plan.arguments],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: plan.home,
        LEASEGATE_URL: plan.brokerUrl,
        LEASEGATE_OIDC_TOKEN_FILE: tokenFile,
        LEASEGATE_RUN_ID: plan.runId,
        LEASEGATE_STEP_ID: plan.stepId,
        LEASEGATE_DEMO_TARGET: JSON.stringify({ host, port, database }),
      },
      signal: plan.signal,
    },
  );
  let problems = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (problems += text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  for await (const line of createInterface({ input: child.stdout }))
    steps.add(JSON.parse(line) as StepResult);
  const code = await ended;
  if (code !== 0) throw new StepFailed(`the worker ended with ${code}. ${problems.trim()}`);
}

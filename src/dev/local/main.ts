import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { leasegateProgram } from '../dev-broker.js';
import { screenOn } from '../demo/screen.js';
import { INTERRUPTED_EXIT_CODE, Interruption } from '../interruption.js';
import { MISSING_PART_EXIT_CODE, MissingPart } from '../missing-part.js';
import { Reaper } from '../reaper.js';
import { exportLines, LocalBroker, type LocalAccess } from './local-broker.js';
import { LocalUsageError, readOptions, USAGE, type LocalOptions } from './options.js';
import { readTools, secretValues } from './tool-folder.js';

/**
 * `npm run local`: a broker for one developer, with everything that it stands on; answers the exit code, which is that
 * of the command where there is one. Standard output is the command's alone.
 */
export async function main(words: readonly string[]): Promise<number> {
  try {
    const options = readOptions(words);
    if (options.help) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const tools = await readTools(options.toolsFolder);
    return await run(options, { tools, secrets: secretValues(tools, options.secrets, process.env) });
  } catch (error) {
    if (!(error instanceof LocalUsageError)) throw error;
    process.stderr.write(`local: ${error.message}\n\n${USAGE}\n`);
    return 2;
  }
}

async function run(options: LocalOptions, catalogue: Parameters<LocalBroker['start']>[0]): Promise<number> {
  const screen = screenOn(process.stderr);
  const reaper = new Reaper();
  const interruption = new Interruption();
  const local = new LocalBroker(reaper, (line) => screen.progress(line), interruption.signal);
  try {
    const working = local.start(catalogue).then(async (access) => {
      screen.text(`the broker answers at ${access.url}; ${catalogue.tools.length} tools`);
      const command = options.mcp ? [process.execPath, leasegateProgram(), 'mcp'] : options.command;
      if (command.length > 0) return await child(command, access, options, interruption.signal);
      process.stdout.write(`${exportLines(access, options.toolsFolder)}\n`);
      screen.text('left running until Ctrl-C');
      return await interruption.happened;
    });
    return await Promise.race([
      working,
      interruption.happened.then(async (code) => {
        // What was being started fails for the same reason, and a command that got the signal ends by itself.
        await working.catch(() => undefined);
        return code;
      }),
    ]);
  } catch (error) {
    if (interruption.signal.aborted) return INTERRUPTED_EXIT_CODE;
    screen.text(`local: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof MissingPart ? MISSING_PART_EXIT_CODE : 1;
  } finally {
    screen.close();
    await local.stop();
    await reaper.close();
    interruption.close();
  }
}

/** Runs a command that has the run's identity and none of the providers' secrets; answers its exit code. */
async function child(
  [program = '', ...words]: readonly string[],
  access: LocalAccess,
  { secrets }: LocalOptions,
  signal: AbortSignal,
): Promise<number> {
  const environment: NodeJS.ProcessEnv = { ...process.env, ...access.environment };
  for (const { variable } of secrets) delete environment[variable];
  const started = spawn(program, words, { stdio: 'inherit', env: environment });
  const stop = (): void => void started.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      started.once('error', reject);
      started.once('close', (code, ended) => {
        resolve(code ?? 128 + (ended === null ? 0 : constants.signals[ended]));
      });
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

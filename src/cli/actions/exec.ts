import { HeldCredential } from '../../sdk/held-credential.js';
import type { LeasegateClient } from '../../sdk/leasegate-client.js';
import { usageError } from '../cli-error.js';
import { brokerUrl, workerClient } from '../clients.js';
import { leaseOne, type Held } from '../exec/held.js';
import { onRotateOf, rotatedCredentials } from '../exec/on-rotate.js';
import { environmentOf, planOf, valueOf, type ExecPlan } from '../exec/plan.js';
import { Rotations } from '../exec/rotations.js';
import { SecretFiles } from '../exec/secret-files.js';
import { exitCodeOfSignal, onSignals, type Forwarded } from '../exec/signals.js';
import { SupervisedChild } from '../exec/supervised-child.js';
import { failureOf } from '../failure.js';
import type { Invocation } from '../invocation.js';
import { fieldText } from '../shell-words.js';

/** What the command must not inherit: it has the credentials, and needs no right to get others. */
const IDENTITY = [
  'LEASEGATE_TOKEN',
  'LEASEGATE_TOKEN_FILE',
  'LEASEGATE_OIDC_TOKEN',
  'LEASEGATE_OIDC_TOKEN_FILE',
  'LEASEGATE_OIDC_TOKEN_COMMAND',
  'LEASEGATE_RUN_TOKEN',
];

const OVERLAP_SECONDS = 60;
const STOP_TIMEOUT_SECONDS = 10;
/** What a command that was restarted gets to open its first connections, should its exit take all the time that it may. */
const RESTART_SECONDS = 5;

/**
 * `exec`: leases everything first and starts nothing when one thing cannot be leased; replaced credentials are handed
 * to the command as `--on-rotate` says; whatever happens after, files are removed and leases released before it ends.
 */
export async function exec(invocation: Invocation): Promise<number> {
  const plan = planOf({
    credential: invocation.texts('credential'),
    env: invocation.texts('env'),
    file: invocation.texts('file'),
  });
  if (invocation.words.length === 0) throw usageError('exec needs a command after --.');
  const onRotate = onRotateOf(invocation.text('onRotate'));
  const rotated = rotatedCredentials(plan, onRotate);
  const stopSeconds = invocation.number('stopTimeout') ?? STOP_TIMEOUT_SECONDS;
  const { output } = invocation;
  const client = workerClient(invocation);
  const files = new SecretFiles();
  const leases: Held[] = [];
  let rotations: Rotations | undefined;
  const stopped = new AbortController();
  let pass = (signal: Forwarded): void => stopped.abort(signal);
  const stopListening = onSignals((signal) => pass(signal));
  try {
    const leaseIt = (name: string): Promise<Held> =>
      leaseOne(client, name, output, {
        ttlSeconds: invocation.number('ttl'),
        // While the command ends, it still has the old one.
        overlapSeconds: Math.max(
          invocation.number('overlap') ?? OVERLAP_SECONDS,
          onRotate.kind === 'restart' ? stopSeconds + RESTART_SECONDS : 0,
        ),
        rotates: rotated.has(name),
        signal: stopped.signal,
      });
    await leaseAll(plan, leaseIt, invocation, leases, stopped.signal);
    const environment = await hand(plan, invocation, client, leases, (path, text) => files.write(path, text));
    stopped.signal.throwIfAborted();
    const child = new SupervisedChild(
      {
        words: invocation.words,
        terminal: invocation.surrounding.stdin.isTTY === true,
        onFailure: ({ command, reason }) =>
          output.note(`leasegate: ${command} could not be started: ${reason}`, 'red'),
        stopTimeoutMs: stopSeconds * 1000,
      },
      environment,
    );
    pass = (signal) => child.pass(signal);
    rotations = new Rotations({
      onRotate,
      child,
      render: () => hand(plan, invocation, client, leases, (path, text) => files.replace(path, text)),
      onFailure: (error) => {
        const { code, detail } = failureOf(error);
        output.note(`leasegate: the files could not be written anew yet: ${code}: ${detail}`, 'red');
      },
    });
    for (const lease of leases) if (lease instanceof HeldCredential) rotations.follow(lease);
    return await child.exit;
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    const signal = stopped.signal.reason as Forwarded;
    output.note(`leasegate: stopped by ${signal} before the command was started`);
    return exitCodeOfSignal(signal);
  } finally {
    pass = () => {};
    await rotations?.stop();
    await cleanUp(invocation, client, leases, files);
    stopListening();
  }
}

async function leaseAll(
  plan: ExecPlan,
  leaseIt: (name: string) => Promise<Held>,
  invocation: Invocation,
  leases: Held[],
  signal: AbortSignal,
): Promise<void> {
  // All are waited for, also after one was refused: one that came late must be released too.
  const results = await Promise.allSettled(
    plan.credentials.map(async (credential) => {
      leases.push(await leaseIt(credential));
    }),
  );
  for (const [index, result] of results.entries()) {
    if (result.status !== 'rejected') continue;
    if (!signal.aborted) {
      invocation.output.note(
        `leasegate: ${plan.credentials[index]} could not be leased, so the command was not started`,
        'red',
      );
    }
    throw result.reason;
  }
}

async function hand(
  plan: ExecPlan,
  invocation: Invocation,
  client: LeasegateClient,
  leases: readonly Held[],
  write: (path: string, text: string) => Promise<void>,
): Promise<NodeJS.ProcessEnv> {
  const data = Object.fromEntries(leases.map((lease) => [lease.name, { ...lease.data }]));
  const leased = environmentOf(plan, data, fieldText);
  for (const { path, source } of plan.files) {
    const value = valueOf(data, source);
    await write(path, source.field === undefined ? `${JSON.stringify(value)}\n` : fieldText(value));
  }
  const inherited = { ...invocation.environment };
  if (!invocation.flag('keepIdentity')) for (const variable of IDENTITY) delete inherited[variable];
  const { runId, stepId } = await client.runToken();
  return {
    ...inherited,
    LEASEGATE_URL: brokerUrl(invocation).href,
    ...(runId !== undefined && { LEASEGATE_RUN_ID: runId }),
    ...(stepId !== undefined && { LEASEGATE_STEP_ID: stepId }),
    ...leased,
  };
}

// Nothing here may hide how the command ended: what fails is said, and what is left ends with its time to live.
async function cleanUp(
  invocation: Invocation,
  client: LeasegateClient,
  leases: readonly Held[],
  files: SecretFiles,
): Promise<void> {
  const { output } = invocation;
  for (const path of await files.remove())
    output.note(`leasegate: ${path} could not be removed: it holds a secret`, 'red');
  await Promise.all(
    leases.map(async (lease) => {
      try {
        await lease.release();
      } catch (error) {
        const { code, detail } = failureOf(error);
        output.note(
          `leasegate: the lease of ${lease.name} could not be released (${code}: ${detail}); it ends at ${lease.expiresAt.toISOString()}`,
          'yellow',
        );
      }
    }),
  );
  if (!invocation.flag('closeRun')) return;
  try {
    const { outstanding } = await client.run.close();
    if (outstanding > 0)
      output.note(`leasegate: ${outstanding} leases of the run are still being revoked`, 'yellow');
  } catch (error) {
    const { code, detail } = failureOf(error);
    output.note(`leasegate: the run could not be closed: ${code}: ${detail}`, 'yellow');
  }
}

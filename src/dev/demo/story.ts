import { join } from 'node:path';
import { DEV_ISSUER_NAME } from '../issuer-names.js';
import { exampleGrant } from '../example-specs.js';
import { requestToken } from '../token-request.js';
import { leasegate, type Person } from '../program-call.js';
import { StepFailed, type Steps } from './steps.js';
import type { Surroundings } from './surroundings.js';
import { runWorker } from './worker-process.js';

/** The names in the story. */
export const WORKER_SUBJECT = 'jobs/nightly-orders';
export const GRANT_NAME = 'nightly-orders';
const RUN_ID = 'nightly-42';
const STEP_ID = 'load';

const EXPECTED_KINDS = [
  'exchange.accepted',
  'run.opened',
  'lease.requested',
  'lease.issued',
  'lease.renewed',
  'run.closed',
  'lease.ended',
];
const SEQUENCED_WITHIN_MS = 10_000;

/** The story itself: an admin, a worker, a stranger and an auditor, each a process that has public interfaces only. */
export async function tellStory(up: Surroundings, steps: Steps, signal: AbortSignal): Promise<void> {
  const admin = await person(up, 'alice', ['admin']);
  await steps.run('admin-creates-grant', async () => {
    for (const credential of up.credentials) {
      await leasegate(admin, ['credential', 'create', '-f', '-'], signal, JSON.stringify(credential));
    }
    const spec = exampleGrant(GRANT_NAME, DEV_ISSUER_NAME, WORKER_SUBJECT);
    const grant = (await leasegate(admin, ['grant', 'create', '-f', '-'], signal, JSON.stringify(spec))) as {
      name: string;
      state: string;
      version: number;
    };
    if (grant.state !== 'active') throw new StepFailed(`the grant is ${grant.state}`);
    return `grant ${grant.name} (version ${grant.version}, ${grant.state}) for ${WORKER_SUBJECT}`;
  });

  const worker = async (subject: string, runId: string, ...words: readonly string[]): Promise<void> =>
    runWorker(
      {
        platformToken: await requestToken(up.issuerUrl, { sub: subject }),
        brokerUrl: up.brokerUrl,
        runId,
        stepId: STEP_ID,
        target: up.target,
        home: await up.home(`worker-${runId}`),
        arguments: words,
        signal,
      },
      steps,
    );
  await worker(WORKER_SUBJECT, RUN_ID);
  await worker('jobs/stranger', 'nightly-43', '--stranger');

  const auditor = await person(up, 'bert', ['auditor']);
  await steps.run('audit-lists', () => listAudit(auditor, signal));
  await steps.run('audit-verifies', () => verifyAudit(auditor, signal));
}

async function person(up: Surroundings, name: string, roles: readonly string[]): Promise<Person> {
  const token = await requestToken(up.issuerUrl, { sub: name, roles });
  return { url: up.brokerUrl, token, home: await up.home(name) };
}

async function listAudit(auditor: Person, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + SEQUENCED_WITHIN_MS;
  for (;;) {
    const run = await kindsOf(auditor, ['--run', RUN_ID], signal);
    const refused = await kindsOf(auditor, ['--kind', 'exchange.refused'], signal);
    const missing = EXPECTED_KINDS.filter((kind) => !run.includes(kind));
    if (missing.length === 0 && refused.length > 0) {
      return `${run.length} records of run ${RUN_ID}: ${run.join(', ')}\nand the refusal of the stranger: ${refused.join(', ')}`;
    }
    if (performance.now() > deadline) {
      throw new StepFailed(
        `no record of ${[...missing, ...(refused.length > 0 ? [] : ['exchange.refused'])].join(', ')}`,
      );
    }
  }
}

async function kindsOf(auditor: Person, filter: readonly string[], signal: AbortSignal): Promise<string[]> {
  const page = (await leasegate(auditor, ['audit', 'list', '--all', ...filter], signal)) as {
    items: readonly { index: number; event: { kind: string } }[];
  };
  return [...page.items].sort((a, b) => a.index - b.index).map(({ event }) => event.kind);
}

async function verifyAudit(auditor: Person, signal: AbortSignal): Promise<string> {
  const file = join(auditor.home, 'audit.jsonl');
  const head = (await leasegate(auditor, ['audit', 'head'], signal)) as { size: number; root_hash: string };
  const key = await keyOfLog(auditor, signal);
  await leasegate(auditor, ['audit', 'export', '--output', file], signal);
  const words = ['audit', 'verify', file, '--head', `${head.size}:${head.root_hash}`, '--key', key];
  const result = (await leasegate(undefined, words, signal)) as {
    ok: boolean;
    count: number;
    root_hash: string;
    checkpoint_size: number | null;
  };
  if (!result.ok) throw new StepFailed('the export does not verify');
  if (result.checkpoint_size === null) throw new StepFailed('the export is not signed');
  return `${result.count} exported records verify offline, ${result.checkpoint_size} of them signed by Vault; root hash ${shortened(result.root_hash)}`;
}

/** Known once the first checkpoint is signed, a second after the first event. */
async function keyOfLog(auditor: Person, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + SEQUENCED_WITHIN_MS;
  for (;;) {
    const { items } = (await leasegate(auditor, ['audit', 'keys'], signal)) as { items: { key: string }[] };
    const key = items.at(-1)?.key;
    if (key !== undefined) return key;
    if (performance.now() > deadline) throw new StepFailed('the log is not signed');
  }
}

function shortened(hash: string): string {
  return hash.length > 16 ? `${hash.slice(0, 16)}…` : hash;
}

import { createInterface } from 'node:readline/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { AdminClient } from '../../sdk/admin-client.js';
import type { KillBody, RevocationProgressView } from '../../sdk/api-types.js';
import { hasErrorCode, type LeasegateError } from '../../sdk/leasegate-error.js';
import { usageError } from '../cli-error.js';
import { adminClient } from '../clients.js';
import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';

const LOOK_MS = 500;
const WAIT_SECONDS = 60;
const BAR_WIDTH = 30;

/** `kill` */
export async function kill(invocation: Invocation): Promise<number> {
  const { output } = invocation;
  const client = adminClient(invocation);
  const body = bodyOf(invocation);
  let progress = await confirmed(invocation, client, body);
  if (progress.id !== null && invocation.flag('wait')) progress = await waited(invocation, client, progress);
  await output.show(progress, () =>
    output.fields([
      ['revocation', progress.id],
      ['state', progress.state],
      ['runs', progress.runs],
      ['leases', progress.leases],
      ['proved', progress.proved],
      ['outstanding', progress.outstanding],
      ['failing', progress.failing],
      ...progress.mounts.map(
        (mount) => [`at ${mount.mount}`, `${mount.proved} of ${mount.leases} proved`] as const,
      ),
    ]),
  );
  if (progress.secret_lives_on > 0)
    output.note(
      `the secrets of ${progress.secret_lives_on} of them outlive their end: rotate them`,
      'yellow',
    );
  if (progress.state === 'preview' || progress.state === 'done') return EXIT.done;
  output.note('the broker keeps revoking what is outstanding until it is proved', 'yellow');
  return invocation.flag('wait') ? EXIT.failed : EXIT.done;
}

function bodyOf(invocation: Invocation): KillBody {
  if (invocation.flag('yes') && invocation.text('reason') === undefined)
    throw usageError('--yes needs --reason.', 'Say why with --reason TEXT.');
  const dryRun = invocation.flag('dryRun');
  const revoke = invocation.flag('revokeGrants');
  const [reason, until] = [invocation.text('reason'), invocation.text('until')];
  return {
    selector: selectorOf(invocation),
    ...(reason !== undefined && { reason }),
    ...(until !== undefined && { until }),
    ...(dryRun && { dry_run: true }),
    ...(revoke && { grants: 'revoke' as const }),
  };
}

function selectorOf(invocation: Invocation): KillBody['selector'] {
  const [issuer = '', ...subject] = invocation.text('workload')?.split('#') ?? [];
  const leases = invocation.texts('lease');
  const workload = { issuer, subject: subject.join('#') };
  if (issuer !== '' && workload.subject === '')
    throw usageError('A workload is ISSUER#SUBJECT.', 'Name the issuer as the settings do, or by its URL.');
  const given = {
    run: invocation.text('run'),
    grant: invocation.text('grant'),
    issuer: invocation.text('issuer'),
    credential: invocation.text('credential'),
    target: invocation.text('target'),
    label: invocation.text('label'),
    workload: issuer === '' ? undefined : workload,
    leases: leases.length === 0 ? undefined : [...leases],
  };
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  if (named.length !== 1)
    throw usageError(
      'Name exactly one thing to kill.',
      'One of --run, --grant, --workload, --issuer, --credential, --target, --label and --lease.',
    );
  return Object.fromEntries(named);
}

/** Kills; where the broker asks for a confirmation, gives it with --yes, or asks whoever sits there. */
async function confirmed(
  invocation: Invocation,
  client: AdminClient,
  body: KillBody,
): Promise<RevocationProgressView> {
  try {
    return await client.revocations.kill(body);
  } catch (error) {
    if (!hasErrorCode(error, 'confirmation_required') || error.confirmation === undefined) throw error;
    const { confirmation } = error;
    if (invocation.flag('yes')) return client.revocations.kill({ ...body, confirmation });
    return client.revocations.kill({ ...body, confirmation, reason: await asked(invocation, body, error) });
  }
}

/** Asks whoever sits there for the reason and for the word; throws `refusal` where nobody does, or does not say it. */
async function asked(
  { surrounding: { stdin, stderr }, output }: Invocation,
  { reason: given }: KillBody,
  refusal: LeasegateError,
): Promise<string> {
  if (stderr.isTTY !== true || stdin.isTTY !== true) throw refusal;
  output.note(refusal.detail, 'yellow');
  const lines = createInterface({ input: stdin, output: stderr });
  // Else a question would never be answered once the input has ended.
  const over = new AbortController();
  lines.once('close', () => over.abort());
  const { signal } = over;
  try {
    const reason = given ?? (await lines.question('Why? ', { signal }));
    if (reason === '' || (await lines.question('Type "kill" to go on: ', { signal })) !== 'kill')
      throw refusal;
    return reason;
  } catch {
    throw refusal;
  } finally {
    lines.close();
  }
}

async function waited(
  invocation: Invocation,
  client: AdminClient,
  first: RevocationProgressView,
): Promise<RevocationProgressView> {
  const looks = ((invocation.number('waitSeconds') ?? WAIT_SECONDS) * 1000) / LOOK_MS;
  const bar = invocation.surrounding.stderr.isTTY === true;
  let progress = first;
  let last = '';
  for (let look = 0; ; look += 1) {
    const line = lineOf(progress);
    if (bar) invocation.surrounding.stderr.write(`\r${line}`);
    else if (line !== last) invocation.output.note(line);
    last = line;
    if (progress.state === 'done' || look >= looks || progress.id === null) break;
    await pause(LOOK_MS);
    progress = await client.revocations.get(progress.id);
  }
  if (bar) invocation.surrounding.stderr.write('\n');
  return progress;
}

function lineOf({ leases, proved, outstanding, failing }: RevocationProgressView): string {
  const full = leases === 0 ? BAR_WIDTH : Math.floor(((leases - outstanding) / leases) * BAR_WIDTH);
  const bar = '#'.repeat(full).padEnd(BAR_WIDTH, '.');
  return `[${bar}] ${proved} of ${leases} proved, ${outstanding} outstanding, ${failing} failing`;
}

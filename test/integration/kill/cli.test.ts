import { Readable, Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../../src/cli/leasegate.js';
import type { BlockView, RevocationProgressView } from '../../../src/sdk/api-types.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { until } from '../../support/until.js';
import { startWorld, WORKER_SUBJECT, type World } from '../../support/world.js';
import { start, type Ended, type Started } from '../cli/program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

let world: World;
let cli: CompiledCli;

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld({
    settings: { revocations: { confirmAbove: 2 }, leases: { revokeWaitMs: 30_000 } },
  });
}, 240_000);
afterAll(async () => {
  cli.remove();
  await world.stop();
});

const NOWHERE = '01a1fbd5-ff8b-73d3-ad1f-79f9c26d0c98';

async function environment(roles: readonly string[] = ['admin']): Promise<Record<string, string>> {
  return {
    LEASEGATE_URL: world.baseUrl,
    LEASEGATE_TOKEN: await world.adminToken(roles),
    XDG_CONFIG_HOME: '/nowhere',
  };
}
async function begin(words: readonly string[], roles?: readonly string[]): Promise<Started> {
  return start(cli, words, await environment(roles));
}
const run = async (words: readonly string[], roles?: readonly string[]): Promise<Ended> =>
  (await begin(words, roles)).ended();
async function json<T>(words: readonly string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await run([...words, '--json']);
  // Beside progress, and what is said of static secrets, nothing goes to standard error.
  const warned = words[0] === 'kill' ? /^(\[#{30}\] .*\n)?(the secrets of .*\n)?$/ : /^$/;
  expect([words, exitCode, stderr]).toEqual([words, 0, expect.stringMatching(warned)]);
  return JSON.parse(stdout) as T;
}
const kill = (words: readonly string[]): Promise<RevocationProgressView> => json(['kill', ...words]);

interface Victim {
  readonly grant: string;
  readonly subject: string;
  readonly token: string;
  /** Our id of its run, and those of its leases. */
  readonly run: string;
  readonly leases: readonly string[];
}

/** A grant with one run and leases of a static secret. */
async function victim(name: string, { leases = 1, credential = 'payments-api' } = {}): Promise<Victim> {
  const subject = `${WORKER_SUBJECT}/${name}`;
  await world.createGrant({ name, labels: { of: name }, workload: { claims: { sub: subject } } });
  const token = await world.runToken({ subjectToken: await world.workerToken({ sub: subject }) });
  const ids: string[] = [];
  for (let count = 0; count < leases; count += 1) {
    const { body } = await world.call('POST', '/v1/leases', { token, body: { credential } });
    ids.push((body as { lease: { id: string } }).lease.id);
  }
  const { body } = await world.call('GET', '/v1/runs/self', { token });
  return { grant: name, subject, token, run: (body as { run: { id: string } }).run.id, leases: ids };
}
const leaseCode = async ({ token }: Victim, credential = 'payments-api'): Promise<unknown> => {
  const { body } = await world.call('POST', '/v1/leases', { token, body: { credential } });
  return (body as { code?: unknown }).code;
};

/** Runs a command in this process with somebody at the terminal who types these lines; nothing more comes after them. */
async function atTerminal(
  words: readonly string[],
  lines: readonly string[],
): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  const [stdout, stderr] = [new Terminal(), new Terminal()];
  const stdin = Object.assign(new Readable({ read: () => undefined }), { isTTY: true });
  let typed = 0;
  stderr.onText = (text) => {
    if (!/(\? |: )$/.test(text)) return;
    const line = lines[typed++];
    // Each when it is asked for, as a person does.
    setImmediate(() => stdin.push(line === undefined ? null : `${line}\n`));
  };
  const exitCode = await main(words, { stdin, stdout, stderr, environment: await environment() });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

class Terminal extends Writable {
  text = '';
  onText: (text: string) => void = () => undefined;
  readonly isTTY = true;

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(chunk.toString());
    done();
  }
}

describe('refused', () => {
  it.each([
    [[], /exactly one thing/],
    [['--run', NOWHERE, '--grant', 'x'], /exactly one thing/],
    [['--workload', 'dev'], /ISSUER#SUBJECT/],
    [['--run', NOWHERE, '--yes'], /--yes needs --reason/],
    [['--run', NOWHERE, '--wait-seconds', '0'], /number of seconds/],
    [['--label'], /argument missing/],
  ])('as usage: %j', async (words, message) => {
    const { exitCode, stdout, stderr } = await run(['kill', ...words]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  it('what there is not, what the role does not allow, and a broker that is not there', async () => {
    const nobody = await run(['kill', '--run', NOWHERE]);
    expect([nobody.exitCode, nobody.stderr]).toEqual([1, expect.stringContaining('not_found')]);
    const operator = await run(['kill', '--credential', 'payments-api'], ['operator']);
    expect([operator.exitCode, operator.stderr]).toEqual([1, expect.stringContaining('role_required')]);
    const nowhere = await run(['kill', '--run', NOWHERE, '--url', 'http://127.0.0.1:1']);
    expect(nowhere.exitCode).toBe(3);
    const reasonless = await run(['kill', '--issuer', 'dev']);
    expect([reasonless.exitCode, reasonless.stderr]).toEqual([
      1,
      expect.stringContaining('a block needs a reason'),
    ]);
  });
});

describe('kill', () => {
  afterEach(async () => {
    const { items } = await json<{ items: BlockView[] }>(['blocks', 'list', '--standing', 'true']);
    for (const { id } of items) await json(['blocks', 'lift', id]);
    await world.call('POST', '/v1/credentials/payments-api/enable', {
      token: await world.adminToken(),
      body: {},
    });
  });

  it.each<[string, string, (one: Victim) => readonly string[], string]>([
    ['run', 'run_closed', ({ run: id }) => ['--run', id], 'run_revoked'],
    ['grant', 'grant_not_active', ({ grant }) => ['--grant', grant], 'grant_suspended'],
    ['revoked', 'run_closed', ({ grant }) => ['--grant', grant, '--revoke-grants'], 'grant_revoked'],
    ['label', 'grant_not_active', ({ grant }) => ['--label', `of=${grant}`], 'grant_suspended'],
    [
      'workload',
      'run_closed',
      ({ subject }) => ['--workload', `dev#${subject}`, '--reason', 'x'],
      'workload_blocked',
    ],
    ['credential', 'credential_disabled', () => ['--credential', 'payments-api'], 'credential_disabled'],
    [
      'target',
      'credential_disabled',
      () => ['--target', world.names.mounts.kv, '--reason', 'x'],
      'target_blocked',
    ],
    ['issuer', 'run_closed', () => ['--issuer', 'dev', '--reason', 'x'], 'issuer_blocked'],
  ])('--%s: says with --dry-run what would end, then ends it', async (name, code, words, cause) => {
    const one = await victim(`by-${name}`);
    const preview = await kill([...words(one), '--dry-run']);
    expect(preview).toMatchObject({ id: null, state: 'preview', leases: 1 });
    expect(await leaseCode(one)).toBeUndefined();
    const killed = await kill([...words(one), '--wait']);
    expect(killed).toMatchObject({ state: 'done', outstanding: 0 });
    const [lease] = await world.query<{ state: string; revoke_cause: string }>(
      'SELECT state, revoke_cause FROM leases WHERE id = $1',
      [one.leases[0]],
    );
    expect(lease).toEqual({ state: 'revoked', revoke_cause: cause });
    expect(await leaseCode(one)).toBe(code);
  });

  it('--lease, more than once: says what happened in words, and leaves the run alone', async () => {
    const one = await victim('by-lease', { leases: 2, credential: 'orders-readonly' });
    const words = one.leases.flatMap((id) => ['--lease', id]);
    const preview = await run(['kill', ...words, '--dry-run']);
    expect(preview.stdout).toMatch(/state +preview\n.*leases +2\n/s);
    const { exitCode, stdout, stderr } = await run(['kill', ...words]);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/revocation +\S{36}\nstate +done\n/);
    expect(stdout).toContain(`${world.names.mounts.database}  2 of 2 proved`);
    expect(await leaseCode(one)).toBeUndefined();
    await kill(['--run', one.run]);
  });

  it('--until: a block that ends by itself', async () => {
    const one = await victim('by-until');
    const until_ = new Date(Date.now() + 3_600_000).toISOString();
    await kill(['--workload', `dev#${one.subject}`, '--reason', 'cool down', '--until', until_]);
    const { items } = await json<{ items: BlockView[] }>(['blocks', 'list', '--standing', 'true']);
    expect(items).toMatchObject([
      { kind: 'workload', subject: one.subject, reason: 'cool down', until: until_ },
    ]);
  });

  it('says that the secrets outlive their leases', async () => {
    const one = await victim('secret');
    const { stderr, exitCode } = await run(['kill', '--run', one.run]);
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringContaining('the secrets of 1 of them outlive their end'),
    ]);
  });
});

describe('a large kill', () => {
  it('is refused without a terminal, and goes on with --yes and --reason', async () => {
    const one = await victim('large', { leases: 3 });
    const refused = await run(['kill', '--run', one.run, '--reason', 'leak']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/confirmation_required[^]*--yes together with --reason/);
    expect(await leaseCode(one)).toBeUndefined();
    expect(await kill(['--run', one.run, '--yes', '--reason', 'leak'])).toMatchObject({
      leases: 4,
      reason: 'leak',
    });
    expect(await leaseCode(one)).toBe('run_closed');
  });

  it.each([
    ['another word', ['leak', 'yes']],
    ['no reason', ['']],
    ['the end of the input', []],
  ])('asks at a terminal, and ends nothing for %s', async (_, lines) => {
    const one = await victim(`asked-${lines.length}`, { leases: 3 });
    const { exitCode, stderr } = await atTerminal(['kill', '--run', one.run], lines);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('3 leases would end')]);
    expect(await leaseCode(one)).toBeUndefined();
  });

  it('asks at a terminal, and goes on for the word', async () => {
    const one = await victim('confirmed', { leases: 3 });
    const { exitCode, stdout, stderr } = await atTerminal(
      ['kill', '--run', one.run, '--wait', '--json'],
      ['leak', 'kill'],
    );
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Type "kill" to go on: ')]);
    expect(JSON.parse(stdout)).toMatchObject({ reason: 'leak', proved: 3, state: 'done' });
    expect(stderr).toContain('\r[##############################] 3 of 3 proved, 0 outstanding, 0 failing\n');
  });
});

describe('--wait, while revocation is held', () => {
  const hold = async (path: string): Promise<unknown> =>
    world.call('POST', path, { token: await world.adminToken(), body: { reason: 'test' } });
  beforeAll(async () => {
    // Nothing is proved before an answer is given.
    await world.restart({ settings: { leases: { revokeWaitMs: 1_000 } } });
    await hold('/v1/hold');
  });
  afterAll(() => hold('/v1/hold/release'));

  it('exits with 1 when something is outstanding at the end, and with 0 where nobody waits', async () => {
    const [waited, left] = [await victim('waited'), await victim('left')];
    const failed = await run(['kill', '--run', waited.run, '--wait', '--wait-seconds', '1', '--json']);
    expect(failed.exitCode).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({ state: 'revoking', outstanding: 1 });
    expect(failed.stderr).toContain('keeps revoking what is outstanding');
    const done = await run(['kill', '--run', left.run]);
    expect([done.exitCode, done.stderr]).toEqual([0, expect.stringContaining('keeps revoking')]);
  });

  it('shows a line for each change without a terminal, until all is proved', async () => {
    const one = await victim('lines', { leases: 2 });
    const command = await begin(['kill', '--run', one.run, '--wait', '--wait-seconds', '60', '--json']);
    const line = /^\[\.{30}\] 0 of 2 proved, 2 outstanding, 0 failing$/m;
    await until(() => line.test(command.stderr), { deadlineMs: 60_000, what: 'the first line' });
    await hold('/v1/hold/release');
    const { exitCode, stdout, stderr } = await command.ended();
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { state: 'done', proved: 2, outstanding: 0 }]);
    expect(stderr).toMatch(/^\[#{30}\] 2 of 2 proved, 0 outstanding, 0 failing$/m);
    expect(stderr).not.toContain('\r');
  });
});

describe('blocks', () => {
  it('are listed and lifted; what there is not, and what was lifted, is refused', async () => {
    const one = await victim('blocked');
    await kill(['--workload', `dev#${one.subject}`, '--reason', 'stolen token']);
    const table = (await run(['blocks', 'list', '--standing', 'true'])).stdout.trim().split('\n');
    expect(table[0]?.split('\t').slice(0, 3)).toEqual(['KIND', 'BLOCKED', 'REASON']);
    expect(table[1]?.split('\t')).toEqual(
      expect.arrayContaining([
        'workload',
        expect.stringContaining(`#${one.subject}`),
        'stolen token',
        expect.stringMatching(/#alice$/),
      ]),
    );
    const { items } = await json<{ items: BlockView[] }>(['blocks', 'list', '--standing', 'true', '--all']);
    const id = items[0]?.id ?? '';
    expect((await run(['blocks', 'lift', id], ['operator'])).stderr).toContain('role_required');
    const lifted = await run(['blocks', 'lift', id, '--reason', 'rotated']);
    expect([lifted.exitCode, lifted.stdout]).toEqual([0, expect.stringMatching(/by +.*alice/)]);
    expect((await run(['blocks', 'lift', id])).stderr).toContain('state_transition_refused');
    expect((await run(['blocks', 'lift', NOWHERE])).stderr).toContain('not_found');
    expect((await run(['blocks', 'list', '--standing', 'true'])).stdout.trim().split('\n')).toHaveLength(1);
    expect(await json(['blocks', 'list', '--standing', 'false', '--limit', '1'])).toMatchObject({
      items: [{ id }],
    });
  });
});

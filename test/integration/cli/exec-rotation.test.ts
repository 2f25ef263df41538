import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { briefCredential } from '../sdk/brief-credential.js';
import { start, type Started } from './program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

const LOGIN = [process.execPath, resolve(import.meta.dirname, 'login-child.mjs')];
const PATIENCE = { deadlineMs: 120_000 };

let world: World;
let cli: CompiledCli;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-rotation-'));

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld();
  await briefCredential(world);
});
afterAll(async () => {
  cli.remove();
  rmSync(folder, { recursive: true });
  await world.stop();
});

async function exec(
  runId: string,
  words: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Started> {
  return start(cli, ['exec', ...words], {
    LEASEGATE_URL: world.baseUrl,
    LEASEGATE_OIDC_TOKEN_COMMAND: `printf '%s' '${await world.workerToken()}'`,
    LEASEGATE_RUN_ID: runId,
    LEASEGATE_STEP_ID: 'load',
    LEASEGATE_GRANT: 'orders-brief',
    TARGET_URL: world.target.urlFor({ username: 'nobody', password: 'nothing' }),
    ...more,
  });
}

/** The accounts that lines of this kind name, in order. */
function accounts(stdout: string, kind: string): string[] {
  return [...stdout.matchAll(new RegExp(`^${kind} (\\S+)`, 'gm'))].map(([, name = '']) => name);
}

async function nothingLeft(runId: string, users: readonly string[]): Promise<void> {
  await until(async () => {
    const rows = await world.query<{ state: string }>(
      'SELECT l.state FROM leases l JOIN runs r ON r.id = l.run_ref WHERE r.run_id = $1',
      [runId],
    );
    return rows.length > 0 && rows.every(({ state }) => state === 'revoked');
  }, PATIENCE);
  const alive = await world.targetUsers();
  expect(users.filter((user) => alive.includes(user))).toEqual([]);
}

describe('a command that outlives many leases', () => {
  it('reads its file anew when it is told to, without one failed login', async () => {
    const path = join(folder, 'orders.json');
    const words = ['--file', `orders-brief=${path}`, '--on-rotate', 'signal:HUP', '--', ...LOGIN];
    const command = await exec('exec-signal', words, { CREDENTIAL_FILE: path });
    const told = (): string[] => accounts(command.stdout, 'signalled');
    await until(() => told().length >= 4, PATIENCE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    command.child.kill('SIGTERM');
    const { exitCode, stdout, stderr } = await command.ended();
    expect(exitCode, stderr).toBe(7);
    expect(accounts(stdout, 'failed'), stderr).toEqual([]);
    const users = [...new Set(accounts(stdout, 'ok'))];
    expect(users.length).toBeGreaterThanOrEqual(4);
    expect(accounts(stdout, 'started').length).toBe(1);
    expect(existsSync(path)).toBe(false);
    await nothingLeft('exec-signal', users);
  });

  it('is started again with the new credential, without one failed login', async () => {
    const words = ['--credential', 'orders-brief=DB', '--on-rotate', 'restart', '--stop-timeout', '2'];
    const command = await exec('exec-restart', [...words, '--', ...LOGIN]);
    const started = (): string[] => accounts(command.stdout, 'started');
    await until(() => started().length >= 5, PATIENCE);
    const last = started().at(-1);
    await until(() => accounts(command.stdout, 'ok').includes(last ?? ''), PATIENCE);
    command.child.kill('SIGTERM');
    const { exitCode, stdout, stderr } = await command.ended();
    expect(exitCode, stderr).toBe(7);
    expect(accounts(stdout, 'failed'), stderr).toEqual([]);
    expect(new Set(started()).size).toBe(started().length);
    await nothingLeft('exec-restart', started());
  });

  it('has two credentials, and is started once for both', async () => {
    const words = ['--credential', 'orders-brief=DB', '--credential', 'orders-too=TOO'];
    const command = await exec('exec-two', [...words, '--on-rotate', 'restart', '--', ...LOGIN], {
      ALSO: 'TOO',
    });
    const started = (): string[] => accounts(command.stdout, 'started');
    await until(() => started().length >= 4, PATIENCE);
    command.child.kill('SIGTERM');
    const { stdout, stderr } = await command.ended();
    expect(accounts(stdout, 'failed'), stderr).toEqual([]);
    const pairs = [...stdout.matchAll(/^started (\S+) and (\S+)$/gm)];
    for (const at of [1, 2]) expect(new Set(pairs.map((pair) => pair[at])).size).toBe(pairs.length);
    await nothingLeft('exec-two', started());
  });

  it('that does not end in time is killed and started again', async () => {
    const stubborn = ['sh', '-c', 'trap "" TERM; echo "started $DB_USERNAME"; while :; do sleep 0.1; done'];
    const words = ['--credential', 'orders-brief=DB', '--on-rotate', 'restart', '--stop-timeout', '1'];
    const command = await exec('exec-stubborn', [...words, '--', ...stubborn]);
    await until(() => accounts(command.stdout, 'started').length >= 2, PATIENCE);
    expect(new Set(accounts(command.stdout, 'started')).size).toBe(2);
    command.child.kill('SIGTERM');
    // It takes no SIGTERM of anybody: what asked for its end has to insist.
    for (const pid of childrenOf(command.child.pid)) process.kill(pid, 'SIGKILL');
    expect((await command.ended()).exitCode).toBe(137);
  });
});

/** Processes that this one started, as Linux lists them. */
function childrenOf(pid: number | undefined): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

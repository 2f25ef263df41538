import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { until } from '../../support/until.js';
import { leaseView } from '../sdk/lease-views.js';
import { scriptedServer, type Reply } from '../sdk/scripted-server.js';
import { compileCli, type CompiledCli } from './compiled-cli.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

let cli: CompiledCli;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-exec-'));
beforeAll(() => {
  cli = compileCli();
});
afterAll(() => {
  cli.remove();
  rmSync(folder, { recursive: true });
});

const exchanged: Reply = {
  status: 200,
  body: {
    access_token: 'run-token',
    token_type: 'Bearer',
    expires_in: 600,
    run_id: 'run-1',
    step_id: 's',
    grant: 'g',
  },
};
const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
/** Answered with times of that moment: the process may take long to start. */
const timed =
  (status: number, body: () => object): Reply =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body()));
const leased = (seconds = 600, longest = 3_600): Reply =>
  timed(201, () => ({
    lease: leaseView({ expires_at: inSeconds(seconds), max_expires_at: inSeconds(longest) }),
    credential: { username: 'v-user', password: 'marker-7' },
  }));
const released: Reply = { status: 200, body: { lease: leaseView({ state: 'revoked' }) } };
const refused = (status: number, code: string): Reply => ({
  status,
  body: { code, detail: 'No.', reference: 'ref-1' },
});

async function start(words: readonly string[], ...replies: readonly Reply[]) {
  const server = await scriptedServer(...replies);
  const { PATH } = process.env;
  const child = spawn(process.execPath, [cli.bin, 'exec', '--url', server.url, ...words], {
    env: {
      PATH,
      LEASEGATE_OIDC_TOKEN: 'platform',
      LEASEGATE_TOKEN: 'admin',
      LEASEGATE_RUN_ID: 'wanted',
      KEPT: 'yes',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => server.close());
  const calls = (): string[] =>
    server.received.map(({ method, path }) => `${method} ${path.replace(/[0-9a-f-]{36}/, 'ID')}`);
  return { child, output, ended, calls, received: server.received };
}

const RELEASED = ['POST /oauth2/token', 'POST /v1/leases', 'DELETE /v1/leases/ID'];

/** A command that says that it is there, says which signal it gets, and then ends with 5. */
const LISTENER = [
  process.execPath,
  '-e',
  `for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(s, () => { console.log(s); process.exit(5); });
   setInterval(() => {}, 1000); console.log('ready');`,
];

describe('starts nothing', () => {
  it.each([
    [
      'when the credential is refused',
      [exchanged, refused(403, 'credential_not_granted')],
      1,
      'credential_not_granted',
    ],
    ['when the exchange is refused', [refused(403, 'grant_not_found')], 1, 'grant_not_found'],
  ] as const)('%s', async (_when, replies, exitCode, code) => {
    const marker = join(folder, `started-${code}`);
    const { ended, output } = await start(['--credential', 'orders', '--', 'touch', marker], ...replies);
    expect(await ended).toEqual({ code: exitCode, signal: null });
    expect(existsSync(marker)).toBe(false);
    expect(output.stderr).toContain('orders could not be leased, so the command was not started');
    expect(output.stderr).toContain(code);
    expect(output.stderr).toContain('reference: ref-1');
  });

  it('when a file is in the way; what was leased is released', async () => {
    const path = join(folder, 'in-the-way');
    writeFileSync(path, 'mine');
    const { ended, output, calls } = await start(
      ['--file', `orders=${path}`, '--', 'true'],
      exchanged,
      leased(),
      released,
    );
    expect((await ended).code).toBe(2);
    expect(output.stderr).toContain('exists already');
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(calls()).toEqual(RELEASED);
  });

  it('when it is stopped while it waits for a credential', async () => {
    const never: Reply = () => {};
    const marker = join(folder, 'started-late');
    const { child, ended, received } = await start(
      ['--credential', 'orders', '--', 'touch', marker],
      exchanged,
      never,
    );
    await until(() => received.length === 2);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    expect(existsSync(marker)).toBe(false);
  });
});

describe('ends as the command ends', () => {
  it.each([
    ['its exit code', ['sh', '-c', 'exit 7'], 7],
    ['128 + n for a signal', ['sh', '-c', 'kill -KILL $$'], 137],
    ['127 when there is none', ['/nowhere/command'], 127],
    ['126 when it cannot be run', [import.meta.filename], 126],
  ])('%s, and releases', async (_what, command, code) => {
    const { ended, calls } = await start(
      ['--credential', 'orders', '--', ...command],
      exchanged,
      leased(),
      released,
    );
    expect(await ended).toEqual({ code, signal: null });
    expect(calls()).toEqual(RELEASED);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes %s on', async (signal) => {
    const { child, ended, output, calls } = await start(
      ['--credential', 'orders', '--', ...LISTENER],
      exchanged,
      leased(),
      released,
    );
    await until(() => output.stdout.includes('ready'));
    child.kill(signal);
    expect(await ended).toEqual({ code: 5, signal: null });
    expect(output.stdout).toBe(`ready\n${signal}\n`);
    expect(calls()).toEqual(RELEASED);
  });

  it('whatever the release says', async () => {
    const { ended, output } = await start(
      ['--credential', 'orders', '--', 'true'],
      exchanged,
      leased(),
      refused(500, 'internal_error'),
    );
    expect((await ended).code).toBe(0);
    expect(output.stderr).toContain('could not be released (internal_error: No.)');
  });
});

describe('gives the credential to the command', () => {
  it('as variables, and takes the own identity from it', async () => {
    const { ended, output } = await start(
      ['--credential', 'orders=DB', '--env', 'PGUSER=orders.username', '--', 'env'],
      exchanged,
      leased(),
      released,
    );
    expect((await ended).code).toBe(0);
    const variables = output.stdout.trim().split('\n');
    expect(variables).toEqual(
      expect.arrayContaining([
        'DB_USERNAME=v-user',
        'DB_PASSWORD=marker-7',
        'PGUSER=v-user',
        'KEPT=yes',
        'LEASEGATE_RUN_ID=run-1',
        'LEASEGATE_STEP_ID=s',
      ]),
    );
    expect(variables.filter((line) => /^LEASEGATE_(TOKEN|OIDC_TOKEN)=/.test(line))).toEqual([]);
    expect(output.stderr).toBe('');
  });

  it('leaves the identity when asked to', async () => {
    const { ended, output } = await start(
      ['--credential', 'orders', '--keep-identity', '--', 'env'],
      exchanged,
      leased(),
      released,
    );
    await ended;
    expect(output.stdout).toContain('LEASEGATE_OIDC_TOKEN=platform');
  });

  it('as files for this user alone, gone at the end', async () => {
    const [whole, field] = [join(folder, 'whole.json'), join(folder, 'password')];
    const { ended, output } = await start(
      [
        '--file',
        `orders=${whole}`,
        '--file',
        `orders.password=${field}`,
        '--',
        'sh',
        '-c',
        `stat -c %a '${whole}' '${field}'; cat '${whole}' '${field}'`,
      ],
      exchanged,
      leased(),
      released,
    );
    expect((await ended).code).toBe(0);
    expect(output.stdout).toBe('600\n600\n{"username":"v-user","password":"marker-7"}\nmarker-7');
    expect([existsSync(whole), existsSync(field)]).toEqual([false, false]);
  });

  it('does not read what stands after -- as its own', async () => {
    const { ended, output } = await start(
      ['--credential', 'orders', '--', 'echo', '--json', '--', '-x'],
      exchanged,
      leased(),
      released,
    );
    await ended;
    expect(output.stdout).toBe('--json -- -x\n');
  });
});

describe('while the command lives', () => {
  it('renews', async () => {
    const renewed = timed(200, () => ({
      lease: leaseView({ expires_at: inSeconds(600), max_expires_at: inSeconds(3_600) }),
    }));
    const { child, ended, calls, output } = await start(
      ['--credential', 'orders', '--ttl', '10s', '--', ...LISTENER],
      exchanged,
      leased(10),
      renewed,
      released,
    );
    await until(() => calls().length === 3, { deadlineMs: 60_000 });
    await until(() => output.stdout.includes('ready'), { deadlineMs: 30_000 });
    child.kill('SIGTERM');
    expect((await ended).code).toBe(5);
    expect(calls()).toEqual([...RELEASED.slice(0, 2), 'POST /v1/leases/ID/renew', 'DELETE /v1/leases/ID']);
  });

  it('has new files and is told so when a credential was replaced; what is replaced lives on for a while', async () => {
    const path = join(folder, 'replaced.json');
    const teller = [
      process.execPath,
      '-e',
      `const { readFileSync, statSync } = require('node:fs');
       const show = (what) => console.log(what, (statSync(process.argv[1]).mode & 0o777).toString(8), readFileSync(process.argv[1], 'utf8').trim());
       process.on('SIGHUP', () => { show('told'); process.exit(4); });
       setInterval(() => {}, 1000); show('ready');`,
      path,
    ];
    const other = timed(201, () => ({
      lease: leaseView({
        id: '0198c0de-0000-7000-8000-00000000000b',
        expires_at: inSeconds(600),
        max_expires_at: inSeconds(600),
      }),
      credential: { username: 'v-other', password: 'marker-8' },
    }));
    const { ended, output, calls } = await start(
      ['--file', `orders=${path}`, '--on-rotate', 'signal:HUP', '--', ...teller],
      exchanged,
      // It cannot be renewed: its longest life is what it has.
      leased(15, 15),
      other,
      released,
      released,
    );
    expect((await ended).code).toBe(4);
    expect(output.stdout).toBe(
      'ready 600 {"username":"v-user","password":"marker-7"}\ntold 600 {"username":"v-other","password":"marker-8"}\n',
    );
    expect(output.stderr).toMatch(/^leasegate: orders was replaced; the old one works until \S+\n$/);
    expect(calls().sort()).toEqual([
      'DELETE /v1/leases/ID',
      'DELETE /v1/leases/ID',
      'POST /oauth2/token',
      'POST /v1/leases',
      'POST /v1/leases',
    ]);
    expect(existsSync(path)).toBe(false);
  });

  it('says why a lease cannot be renewed, and lets the command go on', async () => {
    const { child, ended, output } = await start(
      ['--credential', 'orders', '--', ...LISTENER],
      exchanged,
      leased(6),
      refused(403, 'run_closed'),
      released,
    );
    await until(() =>
      output.stderr.includes('the lease of orders cannot be renewed: run_closed: No. (reference ref-1)'),
    );
    await until(() => output.stderr.includes('has expired'));
    child.kill('SIGTERM');
    expect((await ended).code).toBe(5);
  });

  it('goes on, and releases what it leased, where nobody reads what it has to say', async () => {
    const { child, ended, output, calls } = await start(
      ['--credential', 'orders', '--', ...LISTENER],
      exchanged,
      leased(2),
      refused(403, 'run_closed'),
      released,
    );
    await until(() => output.stdout.includes('ready'));
    child.stderr.destroy();
    await until(() => calls().some((call) => call.endsWith('/renew')));
    // What the refusal is worth saying was said into nothing by now, or is before the command has ended.
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 5, signal: null });
    expect(output.stdout).toContain('SIGTERM');
    expect(calls()).toContain('DELETE /v1/leases/ID');
  });

  it('closes the run when asked to', async () => {
    const closed: Reply = { status: 200, body: { run: {}, leases: 1, proved: 1, outstanding: 0 } };
    const { ended, calls } = await start(
      ['--credential', 'orders', '--close-run', '--', 'true'],
      exchanged,
      leased(),
      released,
      closed,
    );
    expect((await ended).code).toBe(0);
    expect(calls()).toEqual([...RELEASED, 'DELETE /v1/runs/self']);
  });
});

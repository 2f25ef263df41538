import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/program.js';
import { leaseView } from '../sdk/lease-views.js';
import { scriptedServer } from '../sdk/scripted-server.js';
import { runCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'leasegate-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Nobody is logged in, and nothing of this machine is read. */
const environment = { XDG_CONFIG_HOME: folder };

describe('usage errors exit with 2', () => {
  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['leases', 'lst'], /Did you mean list/],
    [['lease', 'get'], /missing required argument 'credential'/],
    [['lease', 'orders', '--ttl', '0'], /number of seconds/],
    [['lease', 'orders', '--ttl', '-5'], /number of seconds/],
    [['lease', 'orders', '--ttl', '1e3'], /number of seconds/],
    [['lease', 'orders', '--delivery', 'pigeon'], /Allowed choices are inline, wrapped/],
    [['grant', 'create'], /required option '-f, --file <file>'/],
    [['grant', 'create', '-f', '/nowhere/grant.yaml'], /\/nowhere\/grant.yaml does not exist/],
    [['grant', 'change', 'x', '-f', '-', '--if-version', '0'], /whole number from 1/],
    [['whoami', '--url', 'ftp://broker'], /not an http\(s\) address/],
    [['whoami', '--url', 'https://user:secret@broker'], /not an http\(s\) address/],
    [['audit', 'verify', '/nowhere'], /\/nowhere does not exist/],
    [['audit', 'verify', '-', '--head', 'x'], /--head is a size and a root hash/],
    [['audit', 'export', '--format', 'xml'], /Allowed choices are jsonl, csv/],
    [['exec', '--credential', 'orders'], /missing required argument 'command'/],
    [['exec', '--', 'true'], /at least one --credential/],
  ])('%j', async (words, message) => {
    const { exitCode, stdout, stderr } = await runCli(words, { environment });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('user:secret');
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
  });

  it('refuses a file that holds no mapping', async () => {
    for (const stdin of ['- a list', 'a: [', 'just text']) {
      const { exitCode } = await runCli(['grant', 'create', '-f', '-', '--token', 't'], {
        environment,
        stdin,
      });
      expect(exitCode).toBe(2);
    }
  });

  it('prints the help of a group without a command on standard error', async () => {
    const { exitCode, stdout, stderr } = await runCli(['grant']);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: leasegate grant');
  });
});

describe('with --json', () => {
  it('a failure is the one document, and people read it on standard error', async () => {
    const { exitCode, stdout, stderr } = await runCli(['grant', 'list', '--json'], { environment });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'authentication_required',
        next: expect.stringContaining('leasegate login') as string,
        exit_code: 1,
      },
    });
    expect(stderr).toMatch(/^leasegate: authentication_required: .*\n {2}next: /);
  });

  it.each([[['grant', '--json']], [['--json', 'nonsense']], [['lease', 'orders', '--json']]])(
    '%j has one document',
    async (words) => {
      expect(JSON.parse((await runCli(words, { environment })).stdout)).toHaveProperty('error.code');
    },
  );

  it('says nothing on standard output that belongs to a command or an export', async () => {
    for (const words of [
      ['exec', '--credential', 'orders', '--json', '--', 'true'],
      ['audit', 'export', '--json'],
    ]) {
      const { exitCode, stdout } = await runCli(words, { environment });
      expect([exitCode, stdout]).toEqual([1, '']);
    }
  });
});

describe('exit codes', () => {
  it('3 when the broker cannot be reached, and names it', async () => {
    const server = await scriptedServer();
    await server.close();
    const { exitCode, stdout, stderr } = await runCli(
      ['whoami', '--json', '--token', 't', '--url', server.url],
      { environment },
    );
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'broker_unreachable', dependency: 'broker' } });
    expect(stderr).toContain('missing: broker');
  });

  it('1 when refused, with code, reference and what to do', async () => {
    const server = await scriptedServer({
      status: 403,
      body: { code: 'role_required', detail: 'It needs the role admin.', reference: 'ref-7' },
    });
    const { exitCode, stderr } = await runCli(['grant', 'suspend', 'nightly', '--token', 't'], {
      environment: { ...environment, LEASEGATE_URL: server.url },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'leasegate: role_required: It needs the role admin.\n  reference: ref-7\n  next: Ask whoever manages roles for the one that is named; `leasegate whoami` shows yours.\n',
    );
    await server.close();
  });

  it('0 for help and version', async () => {
    for (const words of [['--help'], ['exec', '--help'], ['--version'], ['help', 'lease']]) {
      expect(await runCli(words)).toMatchObject({ exitCode: 0, stderr: '' });
    }
  });
});

describe('a worker leases', () => {
  const exchanged = {
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
  const leased = {
    status: 201,
    body: { lease: leaseView(), credential: { username: 'u', password: "it's" } },
  };
  const lease = async (...words: readonly string[]) => {
    const server = await scriptedServer(exchanged, leased);
    const outcome = await runCli(['lease', 'orders', '--run-id', 'run-1', '--url', server.url, ...words], {
      environment: {
        ...environment,
        LEASEGATE_OIDC_TOKEN: 'platform',
        LEASEGATE_STEP_ID: 's',
        LEASEGATE_TOKEN: 'admin',
      },
    });
    await server.close();
    return { ...outcome, received: server.received };
  };

  it('with its platform token, never with that of an admin', async () => {
    const { exitCode, received, stdout } = await lease('--ttl', '15m');
    expect(exitCode).toBe(0);
    const form = new URLSearchParams(received[0]?.body);
    expect([form.get('subject_token'), form.get('run_id'), form.get('step_id')]).toEqual([
      'platform',
      'run-1',
      's',
    ]);
    expect(received[1]?.body).toBe('{"credential":"orders","ttl_seconds":900}');
    expect(stdout).toContain("password  it's");
  });

  it('for a shell', async () => {
    expect((await lease('--format', 'env')).stdout).toBe("ORDERS_USERNAME='u'\nORDERS_PASSWORD='it'\\''s'\n");
  });

  it('for a program', async () => {
    expect(JSON.parse((await lease('--json')).stdout)).toMatchObject({
      lease: { id: leaseView().id },
      credential: { username: 'u', password: "it's" },
    });
    expect(JSON.parse((await lease('--format', 'json')).stdout)).toEqual({ username: 'u', password: "it's" });
  });
});

describe('lists', () => {
  const list = async (...words: readonly string[]) => {
    const server = await scriptedServer(
      {
        status: 200,
        body: { items: [leaseView({ step_id: 'a\u001b]0;owned\u0007\tb' })], next_cursor: 'c1' },
      },
      { status: 200, body: { items: [leaseView()], next_cursor: null } },
    );
    const outcome = await runCli(['leases', 'list', '--token', 't', '--url', server.url, ...words], {
      environment,
    });
    await server.close();
    return { ...outcome, received: server.received };
  };

  it('are tab-separated without a terminal, and harmless in one', async () => {
    const { stdout, stderr } = await list('--state', 'active', '--limit', '1');
    const [head = '', row = '', ...rest] = stdout.trimEnd().split('\n');
    expect(rest).toEqual([]);
    expect(head.split('\t')).toHaveLength(row.split('\t').length);
    expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
    expect(stderr).toContain('more: --cursor c1');
  });

  it('are one document with --json, also over all pages', async () => {
    const { stdout, received } = await list('--json', '--all');
    expect((JSON.parse(stdout) as { items: unknown[] }).items).toHaveLength(2);
    expect(received).toHaveLength(2);
  });
});

it('colours only on a terminal that wants it', async () => {
  const failing = ['lease', 'orders'];
  expect((await runCli(failing, { terminal: true })).stderr).toContain('\u001b[31m');
  expect((await runCli(failing, { terminal: true, environment: { NO_COLOR: '1' } })).stderr).not.toContain(
    '\u001b',
  );
  expect((await runCli(failing)).stderr).not.toContain('\u001b');
});

it('shows an example with every command, and the global options with every one that does something', () => {
  const { stdin, stdout, stderr } = process;
  const leaves = (command: Command): Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
  const all = leaves(buildProgram({ stdin, stdout, stderr, environment: {} }, '0').program);
  expect(all.length).toBeGreaterThan(40);
  for (const command of all) {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toMatch(/Example:\n {2}\$ \S+/);
    expect(help).toContain('--url <url>');
  }
});

import { execFile, type ExecFileException } from 'node:child_process';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, rm, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { repositoryRoot } from '../../../src/dev/repository.js';
import { buildOnce } from '../../support/build-once.js';

// It starts a Vault, a database, an issuer and a broker, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const SECRET = 'sk-of-the-provider-0123456789';
const PROGRAM = [join(repositoryRoot(), 'tools', 'run.mjs'), 'local'];
const seen: IncomingHttpHeaders[] = [];
let provider: Server;
let tools: string;
let temporary: string;

beforeAll(async () => {
  await buildOnce();
  provider = createServer((request, response) => {
    seen.push(request.headers);
    response.setHeader('content-type', 'application/json').end('{"orders":[7,8]}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => provider.once('listening', resolve));
  tools = await mkdtemp(join(tmpdir(), 'leasegate-local-tools-'));
  temporary = await mkdtemp(join(tmpdir(), 'leasegate-local-test-'));
  // As root, PostgreSQL runs as another user, who has to get in.
  await chmod(temporary, 0o755);
  const spec = {
    name: 'list-orders',
    description: 'Lists the orders of a user.',
    method: 'GET',
    url: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/users/{user}/orders`,
    internal: true,
    parameters: { path: { user: { schema: { type: 'string', pattern: '^u[0-9]+$' } } } },
    credential: { name: 'orders-api', inject: { as: 'bearer', field: 'key' } },
  };
  await writeFile(join(tools, 'list-orders.json'), JSON.stringify(spec));
});
afterAll(async () => {
  provider.close();
  await rm(tools, { recursive: true, force: true });
  await rm(temporary, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function local(...words: readonly string[]): Promise<Ended> {
  const env = { ...process.env, TMPDIR: temporary, ORDERS_KEY: SECRET };
  return new Promise((resolve) =>
    execFile(process.execPath, [...PROGRAM, ...words], { env }, (error: ExecFileException | null, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err }),
    ),
  );
}

describe('local mode refuses', () => {
  it.each([
    [['serve'], 'no mode'],
    [['mcp', '--', 'true'], 'exclude'],
    [['--'], 'no command'],
    [['--tools', '/nowhere'], 'cannot be read'],
    [['--secret', `orders-api.key=${SECRET}`], 'not its value'],
  ])('%j', async (words, said) => {
    const { code, out, err } = await local(...words);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(said);
    expect(err).not.toContain(SECRET);
  });

  it.each([
    [[], 'credential orders-api has no value'],
    [['--secret', 'orders-api.key=NOT_SET_ANYWHERE'], 'NOT_SET_ANYWHERE is not set'],
    [['--secret', 'orders-api.key=ORDERS_KEY', '--secret', 'other.key=ORDERS_KEY'], 'no tool'],
  ])('secrets that do not fit: %j', async (words, said) => {
    const { code, err } = await local('--tools', tools, ...words);
    expect(code).toBe(2);
    expect(err).toContain(said);
  });
});

describe('local mode', () => {
  it('serves the tools of a folder to an MCP client, with a secret that the client never sees', async () => {
    const client = new Client({ name: 'editor', version: '1' });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [...PROGRAM, '--tools', tools, '--secret', 'orders-api.key=ORDERS_KEY', 'mcp'],
      env: { ...(process.env as Record<string, string>), TMPDIR: temporary, ORDERS_KEY: SECRET },
      stderr: 'ignore',
    });
    await client.connect(transport, { timeout: 150_000 });
    try {
      const listed = await client.listTools();
      expect(listed.tools.map(({ name }) => name)).toEqual(['list-orders']);
      const answer = await client.callTool({ name: 'list-orders', arguments: { user: 'u1' } });
      expect(JSON.stringify(answer.content)).toContain('[7,8]');
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      expect(seen.at(-1)?.authorization).toBe(`Bearer ${SECRET}`);
    } finally {
      await client.close();
    }
  });

  it('runs a command that has the identity and not the secret, and leaves nothing behind', async () => {
    const script =
      'test -z "$ORDERS_KEY" && test -n "$LEASEGATE_OIDC_TOKEN" && echo "$LEASEGATE_STEP_ID"; exit 7';
    const words = ['--tools', tools, '--secret', 'orders-api.key=ORDERS_KEY', '--', 'sh', '-c', script];
    const { code, out } = await local(...words);
    expect({ code, out }).toEqual({ code: 7, out: 'local\n' });
    expect(await readdir(temporary)).toEqual([]);
  });
});

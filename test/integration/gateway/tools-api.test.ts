import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startWorld, WORKER_SUBJECT, type World } from '../../support/world.js';
import type { ApiAnswer } from '../../support/api-call.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { start, type Ended } from '../cli/program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

let world: World;
let cli: CompiledCli;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-tools-'));

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld();
});
afterAll(async () => {
  cli.remove();
  rmSync(folder, { recursive: true });
  await world.stop();
});

const SPEC = {
  name: 'local-orders',
  method: 'GET',
  url: 'https://127.0.0.1/v1/users/{user_id}',
  internal: true,
  parameters: {
    path: { user_id: { schema: { type: 'string' } } },
    query: { limit: { schema: { type: 'integer' } } },
  },
  credential: { name: 'payments-api', inject: { as: 'bearer' } },
};

async function call(
  method: string,
  path: string,
  options: { roles?: readonly string[]; body?: unknown; version?: number } = {},
): Promise<ApiAnswer> {
  const { roles = ['admin'], body, version } = options;
  return world.call(method, path, {
    token: await world.adminToken(roles),
    ...(body !== undefined && { body }),
    ...(version !== undefined && { headers: { 'if-match': `"${version}"` } }),
  });
}

describe('refused', () => {
  it('what the role does not allow', async () => {
    for (const [method, path] of [
      ['POST', '/v1/tools'],
      ['PUT', '/v1/tools/x'],
      ['POST', '/v1/tools/x/disable'],
      ['POST', '/v1/tools/x/test'],
    ] as const)
      expect(await call(method, path, { roles: ['auditor'], body: {} })).toMatchObject({
        status: 403,
        body: { code: 'role_required' },
      });
    const worker = await world.call('GET', '/v1/tools', { token: await world.runToken() });
    expect(worker.status).toBe(401);
  });

  it('a spec that is wrong, with the field in snake case', async () => {
    for (const [changes, field] of [
      [{ timeout_ms: 1 }, '/timeout_ms'],
      [
        { parameters: { path: { user_id: { schema: { type: 'text' } } } } },
        '/parameters/path/user_id/schema',
      ],
      [{ url: 'https://127.0.0.1/%2e%2e' }, '/url'],
      [{ colour: 'red' }, '/colour'],
    ] as const)
      expect(await call('POST', '/v1/tools', { body: { ...SPEC, ...changes } })).toMatchObject({
        status: 422,
        body: { code: 'request_invalid', field },
      });
  });
});

describe('the API', () => {
  it('keeps tools, and tries them without sending', async () => {
    const created = await call('POST', '/v1/tools', { body: SPEC });
    expect(created).toMatchObject({ status: 201, body: { name: SPEC.name, version: 1, enabled: true } });
    expect(created.headers.get('etag')).toBe('"1"');
    const spec = { ...SPEC, description: 'orders' };
    expect((await call('PUT', '/v1/tools/local-orders', { body: spec })).status).toBe(428);
    expect((await call('PUT', '/v1/tools/local-orders', { body: spec, version: 7 })).status).toBe(412);
    expect((await call('PUT', '/v1/tools/local-orders', { body: spec, version: 1 })).body).toMatchObject({
      version: 2,
      spec: { description: 'orders' },
    });
    const versions = await call('GET', '/v1/tools/local-orders/versions', { roles: ['auditor'] });
    expect(versions.body).toMatchObject({ items: [{ version: 1 }, { version: 2 }], next_cursor: null });
    expect((await call('GET', '/v1/tools/local-orders/versions/1')).body).toMatchObject({ version: 1 });
    expect((await call('GET', '/v1/tools/local-orders/versions/x')).status).toBe(404);
    expect(
      (await call('POST', '/v1/tools/local-orders/disable', { body: { reason: 'x' } })).body,
    ).toMatchObject({
      enabled: false,
    });
    expect((await call('POST', '/v1/tools/local-orders/enable')).body).toMatchObject({ enabled: true });
    const test = { arguments: { path: { user_id: 'ada' }, query: { limit: 3 } } };
    expect(
      (await call('POST', '/v1/tools/local-orders/test', { body: test, roles: ['operator'] })).body,
    ).toEqual({
      tool: 'local-orders',
      version: 2,
      enabled: true,
      request: {
        method: 'GET',
        url: 'https://127.0.0.1/v1/users/ada?limit=3',
        headers: { authorization: 'Bearer [secret]' },
        body: null,
        client_certificate: false,
      },
      destination: { allowed: true, addresses: ['127.0.0.1'], code: null, detail: null },
    });
  });

  it('takes grants of tools alone, and narrows what is tried by them', async () => {
    const grant = {
      name: 'tools-only',
      issuer: 'dev',
      workload: { claims: { sub: `${WORKER_SUBJECT}-tools` } },
      run: { from: 'asserted', step_from: 'asserted' },
      tools: [{ name: 'local-orders', constants: { '/path/user_id': 'ada' } }],
    };
    const unknown = { ...grant, tools: [{ name: 'nothing' }] };
    expect(await call('POST', '/v1/grants', { body: unknown })).toMatchObject({
      status: 422,
      body: { code: 'tool_unknown', field: '/tools/0/name' },
    });
    expect(await call('POST', '/v1/grants', { body: grant })).toMatchObject({
      status: 201,
      body: { spec: { credentials: [], tools: grant.tools } },
    });
    const other = { arguments: { path: { user_id: 'bob' } }, grant: 'tools-only' };
    expect(await call('POST', '/v1/tools/local-orders/test', { body: other })).toMatchObject({
      status: 422,
      body: { code: 'parameter_refused', field: '/path/user_id' },
    });
    const filled = await call('POST', '/v1/tools/local-orders/test', { body: { grant: 'tools-only' } });
    expect(filled.body).toMatchObject({ request: { url: 'https://127.0.0.1/v1/users/ada' } });
  });
});

describe('the command', () => {
  async function run(words: readonly string[], stdin?: string): Promise<Ended> {
    const environment = {
      LEASEGATE_URL: world.baseUrl,
      LEASEGATE_TOKEN: await world.adminToken(['admin']),
      XDG_CONFIG_HOME: folder,
    };
    return start(cli, words, environment, stdin).ended();
  }

  it('shows a request, and fails where the destination is refused', async () => {
    const shown = await run(['tool', 'test', 'local-orders', '--args', '-'], 'path: { user_id: ada }');
    expect([shown.exitCode, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toContain('authorization: Bearer [secret]');
    const { credential: _credential, ...spec } = SPEC;
    const outside = { ...spec, name: 'outside', internal: false, url: 'https://127.0.0.1/x', parameters: {} };
    const created = await run(['tool', 'create', '-f', '-'], JSON.stringify(outside));
    expect([created.exitCode, created.stderr]).toEqual([0, '']);
    const refused = await run(['tool', 'test', 'outside', '--json']);
    expect(refused.exitCode).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      destination: { allowed: false, code: 'destination_refused' },
    });
  });

  it('imports from OpenAPI, into a folder and into the catalogue', async () => {
    const file = join(folder, 'api.yaml');
    writeFileSync(
      file,
      `
openapi: 3.1.0
servers: [{ url: https://api.example.com/v1 }]
paths:
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      security: [{ key: [] }]
components: { securitySchemes: { key: { type: http, scheme: bearer } } }
`,
    );
    const words = [
      'tool',
      'import',
      'openapi',
      file,
      '--operations',
      'getOrder',
      '--credential',
      'payments-api',
    ];
    const out = join(folder, 'out');
    const first = await run([...words, '--out', out, '--apply', '--json']);
    expect([first.exitCode, JSON.parse(first.stdout)]).toMatchObject([0, { tools: [{ name: 'get-order' }] }]);
    expect(readFileSync(join(out, 'get-order.yaml'), 'utf8')).toContain('name: get-order');
    expect((await run([...words, '--apply'])).stderr).toContain('get-order is at version 1');
    const listed = await run(['tool', 'list', '--credential', 'payments-api']);
    expect(listed.stdout).toContain('https://api.example.com/v1/orders/{id}');
    expect((await run(['tool', 'import', 'openapi', file, '--operations', 'nothing'])).exitCode).toBe(2);
  });
});

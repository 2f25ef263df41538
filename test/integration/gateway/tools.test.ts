import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { ToolCatalogue } from '../../../src/gateway/tool/tool-catalogue.js';
import { ToolFiles } from '../../../src/gateway/tool/tool-files.js';
import { ToolPermissions } from '../../../src/gateway/tool/tool-permissions.js';
import type { ToolSpecInput } from '../../../src/gateway/tool/tool-spec.js';
import { ToolsOfGrants } from '../../../src/gateway/tool/tools-of-grants.js';
import type { Grant } from '../../../src/grant/grant.js';
import type { RunIdentity } from '../../../src/identity/run-token.js';
import { Ids } from '../../../src/kernel/ids.js';
import { Log } from '../../../src/kernel/log.js';
import { Settings } from '../../../src/settings/schema.js';
import { admin, grantInput, startGrantWorld, type GrantWorld } from '../grant/grant-world.js';

let world: GrantWorld;
let tools: ToolCatalogue;
let permissions: ToolPermissions;
beforeAll(async () => {
  world = await startGrantWorld();
  const { clock, transactions, grants, runs, module } = world;
  tools = new ToolCatalogue(clock, transactions, module.get(AuditInbox));
  permissions = new ToolPermissions(clock, grants, runs, tools);
});
afterAll(() => world.stop());

const spec = (name: string, changes: Partial<ToolSpecInput> = {}): ToolSpecInput => ({
  name,
  method: 'GET',
  url: 'https://api.example.com/v1/users/{user_id}',
  parameters: { path: { user_id: { schema: { type: 'string' } } } },
  ...changes,
});

const identityOf = (grant: Grant, changes: Partial<RunIdentity> = {}): RunIdentity => ({
  tokenId: 'token',
  runRef: '00000000-0000-7000-8000-000000000000',
  runId: 'run-1',
  stepId: 'step-1',
  grantId: grant.id,
  grantName: grant.name,
  grantVersion: grant.version,
  issuer: 'https://ci.example',
  subject: `job-${grant.name}`,
  scope: [],
  expiresAt: new Date(Date.now() + 600_000),
  ...changes,
});

describe('a grant that names tools', () => {
  it('cannot be saved while nothing knows them', async () => {
    const saved = world.grants.create(admin(), grantInput('early', { tools: [{ name: 'any' }] }));
    await expect(saved).rejects.toThrow('nothing is registered that would know the tools');
  });

  it('is refused where it says what cannot be', async () => {
    new ToolsOfGrants(world.grants).onModuleInit();
    await tools.create(admin(), spec('narrowed'));
    const saving = (tool: Record<string, unknown>): Promise<unknown> =>
      world.grants.create(admin(), grantInput('wrong', { tools: [{ name: 'narrowed', ...tool }] }));
    await expect(saving({ name: 'nothing' })).rejects.toMatchObject({
      code: 'tool_unknown',
      field: '/tools/0/name',
    });
    for (const [tool, field] of [
      [{ cel: 'args.path.user_id' }, '/tools/0/cel'],
      [{ constants: { '/path/other': 'x' } }, '/tools/0/constants/~1path~1other'],
      [{ allow: { '/body/model': ['x'] } }, '/tools/0/allow/~1body~1model'],
    ] as const)
      await expect(saving(tool)).rejects.toMatchObject({ code: 'request_invalid', field });
    const empty = world.grants.create(admin(), grantInput('wrong', { credentials: [] }));
    await expect(empty).rejects.toMatchObject({ code: 'request_invalid', field: '/credentials' });
    expect(await world.events('grant.created')).toEqual([]);
  });
});

describe('changes that are refused', () => {
  it('a name that is taken, another name, an old version, a credential that there is not', async () => {
    await tools.create(admin(), spec('fixed'));
    await expect(tools.create(admin(), spec('fixed'))).rejects.toMatchObject({ code: 'name_taken' });
    await expect(tools.change(admin(), 'fixed', spec('other'), 1)).rejects.toMatchObject({ field: '/name' });
    await expect(tools.change(admin(), 'fixed', spec('fixed', { timeout_ms: 500 }), 2)).rejects.toMatchObject(
      {
        code: 'precondition_failed',
      },
    );
    const credential = { name: 'nothing', inject: { as: 'bearer' as const } };
    await expect(tools.create(admin(), spec('lost', { credential }))).rejects.toMatchObject({
      code: 'credential_unknown',
    });
    for (const attempt of [
      () => tools.get('nothing'),
      () => tools.versions('nothing'),
      () => tools.version('fixed', 9),
      () => tools.disable(admin(), 'nothing'),
      () => tools.change(admin(), 'nothing', spec('nothing'), 1),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('to disable what is disabled, to enable what is enabled', async () => {
    await tools.create(admin(), spec('switched'));
    const refused = { code: 'state_transition_refused' };
    await expect(tools.enable(admin(), 'switched')).rejects.toMatchObject(refused);
    await tools.disable(admin(), 'switched', 'why');
    await expect(tools.disable(admin(), 'switched')).rejects.toMatchObject(refused);
  });

  it('behind the back of the catalogue', async () => {
    await tools.create(admin(), spec('kept'));
    for (const statement of [
      `UPDATE tool_versions SET spec = '{"name":"kept"}' WHERE tool = 'kept'`,
      `DELETE FROM tool_versions WHERE tool = 'kept'`,
      `DELETE FROM tools WHERE name = 'kept'`,
      `UPDATE tools SET version = 3 WHERE name = 'kept'`,
      `UPDATE tools SET version = 2 WHERE name = 'kept'`,
    ])
      await expect(world.sql(statement)).rejects.toThrow();
    expect(await tools.get('kept')).toMatchObject({ version: 1, enabled: true });
  });
});

describe('the catalogue', () => {
  it('keeps every version, and an event of each change', async () => {
    const credential = { name: 'orders', inject: { as: 'bearer' as const } };
    await tools.create(admin(), spec('history', { credential }));
    const changed = await tools.change(admin(), 'history', spec('history', { credential, retries: 2 }), 1);
    expect(changed).toMatchObject({ version: 2, spec: { retries: 2 } });
    const same = await tools.change(admin(), 'history', spec('history', { credential, retries: 2 }), 2);
    expect(same.version).toBe(2);
    expect(
      (await tools.versions('history')).map(({ version, spec: { retries } }) => [version, retries]),
    ).toEqual([
      [1, 0],
      [2, 2],
    ]);
    await tools.disable(admin(), 'history', 'an incident');
    await tools.enable(admin(), 'history');
    const events = (await world.events()).filter((event) => 'tool' in event && nameOf(event) === 'history');
    expect(events.map(({ kind, data }) => [kind, data])).toEqual([
      [
        'tool.created',
        {
          version: 1,
          method: 'GET',
          url: 'https://api.example.com/v1/users/{user_id}',
          uses_credential: 'orders',
        },
      ],
      ['tool.changed', { version: 2, changed: ['retries'] }],
      ['tool.disabled', { reason: 'an incident' }],
      ['tool.enabled', {}],
    ]);
  });

  it('lists by credential, label and page', async () => {
    await tools.create(admin(), spec('labelled-a', { labels: { team: 'red' } }));
    await tools.create(admin(), spec('labelled-b', { labels: { team: 'red' } }));
    const first = await tools.list({ label: 'team=red', limit: 1 });
    expect(first.items.map(({ name }) => name)).toEqual(['labelled-a']);
    const second = await tools.list({ label: 'team', limit: 1, cursor: first.nextCursor ?? '' });
    expect(second.items.map(({ name }) => name)).toEqual(['labelled-b']);
    expect((await tools.list({ credential: 'orders', limit: 9 })).items.map(({ name }) => name)).toEqual([
      'history',
    ]);
    expect((await tools.list({ enabled: false, limit: 9 })).items.map(({ name }) => name)).toEqual([
      'switched',
    ]);
  });
});

describe('permission', () => {
  let grant: Grant;
  beforeAll(async () => {
    for (const name of ['mine', 'also-mine', 'foreign']) await tools.create(admin(), spec(name));
    const named = [{ name: 'mine', constants: { '/path/user_id': 'ada' } }, { name: 'also-mine' }];
    grant = await world.grants.create(admin(), grantInput('caller', { credentials: [], tools: named }));
  });

  it('is found by the tool that it is about', async () => {
    const found = await world.grants.list({ tool: 'also-mine', limit: 9 });
    expect(found.items.map(({ name }) => name)).toEqual(['caller']);
  });

  it('is refused alike for what is not granted and what there is not', async () => {
    for (const name of ['foreign', 'nothing', ''])
      await expect(permissions.of(identityOf(grant), name)).rejects.toMatchObject({
        code: 'tool_not_granted',
        message: expect.not.stringContaining('foreign') as string,
      });
  });

  it('is refused outside of the scope of the token, also where that names credentials alone', async () => {
    for (const scope of [['tool:also-mine'], ['credential:orders'], ['tool:min']])
      await expect(permissions.of(identityOf(grant, { scope }), 'mine')).rejects.toMatchObject({
        code: 'tool_not_granted',
      });
    expect(
      (await permissions.list(identityOf(grant, { scope: ['tool:mine'] }))).map(({ tool }) => tool.name),
    ).toEqual(['mine']);
  });

  it('comes with what the grant leaves of the tool, and is remembered', async () => {
    const first = await permissions.of(identityOf(grant), 'mine');
    expect(first.tool.check({}, first.narrowing).url.pathname).toBe('/v1/users/ada');
    const again = await permissions.of(identityOf(grant), 'mine');
    expect([again.tool, again.narrowing, again.grant]).toEqual([first.tool, first.narrowing, first.grant]);
    expect(again.tool).toBe(first.tool);
    expect(again.narrowing).toBe(first.narrowing);
  });

  it('follows changes once it is told that it is old', async () => {
    const identity = identityOf(grant);
    await tools.change(admin(), 'mine', spec('mine', { timeout_ms: 500 }), 1);
    expect((await permissions.of(identity, 'mine')).tool.tool.version).toBe(1);
    permissions.forget(identity, 'mine');
    expect((await permissions.of(identity, 'mine')).tool.tool.version).toBe(2);
    await tools.disable(admin(), 'mine');
    permissions.forget(identity, 'mine');
    await expect(permissions.of(identity, 'mine')).rejects.toMatchObject({ code: 'tool_disabled' });
    expect((await permissions.list(identity)).map(({ tool }) => tool.name)).toEqual(['also-mine']);
    await tools.enable(admin(), 'mine');
    expect((await permissions.of(identity, 'mine')).tool.tool.enabled).toBe(true);
  });

  it('ends with the grant', async () => {
    const suspended = await world.grants.create(admin(), grantInput('ending', { tools: [{ name: 'mine' }] }));
    const identity = identityOf(suspended);
    await permissions.of(identity, 'mine');
    await world.grants.suspend(admin(), suspended.id);
    permissions.forget(identity, 'mine');
    await expect(permissions.of(identity, 'mine')).rejects.toMatchObject({ code: 'grant_not_active' });
    await expect(permissions.list(identity)).rejects.toMatchObject({ code: 'grant_not_active' });
    const unknown = identityOf(suspended, { grantId: '00000000-0000-7000-8000-000000000009' });
    await expect(permissions.of(unknown, 'mine')).rejects.toMatchObject({ code: 'grant_not_active' });
  });
});

describe('files', () => {
  let folder: string;
  let files: ToolFiles;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tools-'));
    const { module } = world;
    files = new ToolFiles(module.get(Settings), module.get(Ids), module.get(Log), tools);
  });
  afterAll(() => rm(folder, { recursive: true }));
  const yaml = (name: string, rest = ''): string =>
    `name: ${name}\nmethod: GET\nurl: https://api.example.com/v1/x\n${rest}`;

  it('that are wrong stop the start, before any of them is saved', async () => {
    await writeFile(join(folder, 'a.yaml'), yaml('from-file'));
    for (const [text, problem] of [
      [yaml('from-file'), 'has the name of another tool'],
      [yaml('second', 'retries: 99\n'), '/retries'],
      [yaml('second', 'a: *b\n'), 'b.yaml'],
    ] as const) {
      await writeFile(join(folder, 'b.yaml'), text);
      await expect(files.load(folder)).rejects.toThrow(problem);
    }
    await expect(files.load(join(folder, 'nowhere'))).rejects.toThrow('gateway.toolsFolder cannot be read');
    expect(await tools.find('from-file')).toBeUndefined();
  });

  it('are saved once by many replicas, and again when they differ', async () => {
    await writeFile(join(folder, 'b.yaml'), yaml('from-file-too'));
    const saved = await Promise.all([files.load(folder), files.load(folder), files.load(folder)]);
    expect(saved.flat().sort()).toEqual(['from-file', 'from-file-too']);
    await writeFile(join(folder, 'a.yaml'), yaml('from-file', 'timeout_ms: 900\n'));
    expect(await files.load(folder)).toEqual(['from-file']);
    expect(await tools.get('from-file')).toMatchObject({ version: 2, createdBy: 'system:tool-files' });
    expect(await files.load(folder)).toEqual([]);
  });
});

function nameOf(event: object): string {
  return (event as { tool: { name: string } }).tool.name;
}

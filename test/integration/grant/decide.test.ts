import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WantedRun } from '../../../src/grant/grant-decision.js';
import { tokenOf } from '../../unit/grant/grant-spec-samples.js';
import { admin, grantInput, startGrantWorld, type GrantWorld } from './grant-world.js';

let world: GrantWorld;
beforeAll(async () => {
  world = await startGrantWorld();
  const { grants } = world;
  await grants.create(admin(), grantInput('main', { workload: { claims: { sub: 'job-*', ref: 'main' } } }));
  await grants.create(admin(), grantInput('wide', { workload: { claims: { sub: 'job-*' } } }));
  await grants.create(admin(), grantInput('halted', { workload: { claims: { sub: 'job-*' } } }));
  await grants.suspend(admin(), 'halted');
  await grants.create(admin(), grantInput('draft', { workload: { claims: { sub: '*' } } }), {
    state: 'draft',
  });
  const claimed = { from: 'claim', stepFrom: 'claim', maxDurationSeconds: 120 } as const;
  await grants.create(
    admin(),
    grantInput('claimed', { run: claimed, workload: { claims: { sub: 'ci', ref: '*' } } }),
  );
});
afterAll(() => world.stop());

const decide = (
  claims: Record<string, unknown>,
  wanted: WantedRun,
  changes: Parameters<typeof tokenOf>[1] = {},
): ReturnType<GrantWorld['decisions']['decide']> => world.decisions.decide(tokenOf(claims, changes), wanted);
const mine = { runId: 'R', stepId: 'S' };

describe('decisions that refuse', () => {
  it.each<[string, Record<string, unknown>, WantedRun, object]>([
    ['a stranger', { sub: 'other' }, mine, { code: 'grant_not_found' }],
    ['a token without claims', {}, mine, { code: 'grant_not_found' }],
    [
      'a stranger who names a grant',
      { sub: 'other' },
      { ...mine, grant: 'wide' },
      { code: 'grant_not_found' },
    ],
    [
      'a grant that does not exist',
      { sub: 'job-1' },
      { ...mine, grant: 'none' },
      { code: 'grant_not_found' },
    ],
    [
      'a named grant that does not match',
      { sub: 'job-1' },
      { ...mine, grant: 'main' },
      { code: 'grant_not_found' },
    ],
    [
      'a stranger who names a grant that is halted',
      { sub: 'x' },
      { ...mine, grant: 'halted' },
      { code: 'grant_not_found' },
    ],
    [
      'a grant that is suspended',
      { sub: 'job-1' },
      { ...mine, grant: 'halted' },
      { code: 'grant_not_active' },
    ],
    ['a grant that is a draft', { sub: 'job-1' }, { ...mine, grant: 'draft' }, { code: 'grant_not_active' }],
    [
      'a choice of several',
      { sub: 'job-1', ref: 'main' },
      mine,
      { code: 'grant_ambiguous', detail: 'name one of main, wide' },
    ],
    ['no run', { sub: 'job-1' }, { stepId: 'S' }, { code: 'run_identity_missing', field: 'run_id' }],
    ['no step', { sub: 'job-1' }, { runId: 'R' }, { code: 'run_identity_missing', field: 'step_id' }],
    ['a claim that is not there', { sub: 'ci', ref: 'a' }, mine, { code: 'run_identity_missing' }],
  ])('%s', async (_, claims, wanted, error) => {
    await expect(decide(claims, wanted)).rejects.toMatchObject(error);
  });

  it('a token of another issuer with the same claims', async () => {
    await expect(decide({ sub: 'job-1' }, mine, { issuerName: 'mesh' })).rejects.toMatchObject({
      code: 'grant_not_found',
    });
  });

  it('a run that the token contradicts', async () => {
    const platform = { runId: '7', stepId: 'build' };
    await expect(decide({ sub: 'ci', ref: 'a' }, { runId: '8' }, { platform })).rejects.toMatchObject({
      code: 'run_identity_refused',
    });
  });
});

describe('decisions', () => {
  it('find the grant, the run and the step', async () => {
    expect(await decide({ sub: 'job-1', ref: 'main', hush: 'x' }, { ...mine, grant: 'main' })).toMatchObject({
      grant: { name: 'main', version: 1, state: 'active' },
      runId: 'R',
      stepId: 'S',
      runFrom: 'asserted',
      deadlineSeconds: 86_400,
      claims: { sub: 'job-1', ref: 'main' },
    });
    const platform = { runId: '7', stepId: 'build' };
    expect(await decide({ sub: 'ci', ref: 'a' }, {}, { platform })).toMatchObject({
      runId: '7',
      stepId: 'build',
      runFrom: 'claim',
      deadlineSeconds: 120,
    });
  });

  it('follow a change at once on the replica that made it', async () => {
    await world.grants.create(admin(), grantInput('brief'));
    expect((await decide({ sub: 'job-brief' }, { ...mine, grant: 'brief' })).grant.version).toBe(1);
    await world.grants.change(admin(), 'brief', grantInput('brief'), 1);
    expect((await decide({ sub: 'job-brief' }, { ...mine, grant: 'brief' })).grant.version).toBe(2);
    await world.grants.suspend(admin(), 'brief');
    await expect(decide({ sub: 'job-brief' }, { ...mine, grant: 'brief' })).rejects.toMatchObject({
      code: 'grant_not_active',
    });
  });

  it('follow what another replica did within a second', async () => {
    const claims = { sub: 'lone' };
    await world.grants.create(admin(), grantInput('remote', { workload: { claims } }));
    expect(await decide(claims, mine)).toMatchObject({ grant: { name: 'remote' } });
    await world.sql(`UPDATE grants SET state = 'suspended' WHERE name = 'remote'`);
    world.clock.advanceMs(1_000);
    await expect(decide(claims, mine)).rejects.toMatchObject({ code: 'grant_not_found' });
  });

  it('do not outlive the time of a grant, whether or not the scheduler came', async () => {
    const claims = { sub: 'timed' };
    const expiresAt = new Date(world.clock.now().getTime() + 500).toISOString();
    await world.grants.create(admin(), grantInput('timed', { workload: { claims }, expiresAt }));
    expect(await decide(claims, mine)).toMatchObject({ grant: { name: 'timed' } });
    world.clock.advanceMs(500);
    await expect(decide(claims, mine)).rejects.toMatchObject({ code: 'grant_not_found' });
    await expect(decide(claims, { ...mine, grant: 'timed' })).rejects.toMatchObject({
      code: 'grant_not_active',
    });
  });

  it('leave out a stored grant that does not compile, and only that', async () => {
    const grant = await world.grants.create(
      admin(),
      grantInput('compiles', { workload: { claims: { sub: 'odd' } } }),
    );
    await world.sql(
      `INSERT INTO grant_versions SELECT grant_id, 2, jsonb_set(spec, '{workload,claims}', '{}'), created_at, created_by
       FROM grant_versions WHERE grant_id = $1`,
      [grant.id],
    );
    await world.sql('UPDATE grants SET version = 2 WHERE id = $1', [grant.id]);
    world.decisions.forget();
    await expect(decide({ sub: 'odd' }, mine)).rejects.toMatchObject({ code: 'grant_not_found' });
    expect(await decide({ sub: 'job-1' }, { ...mine, grant: 'wide' })).toMatchObject({
      grant: { name: 'wide' },
    });
  });
});

describe('explanations', () => {
  it('agree with decisions', async () => {
    const platform = { runId: '7', stepId: 'build' };
    const tokens = [
      tokenOf({ sub: 'job-1' }),
      tokenOf({ sub: 'job-1', ref: 'main' }),
      tokenOf({ sub: 'nobody' }),
      tokenOf({ sub: 'ci', ref: 'a' }, { platform }),
    ];
    const wishes: WantedRun[] = [
      {},
      mine,
      { ...mine, grant: 'main' },
      { ...mine, grant: 'halted' },
      { grant: 'none' },
    ];
    for (const token of tokens)
      for (const wanted of wishes) {
        const { decision } = await world.decisions.explain(token, wanted);
        const made = await world.decisions.decide(token, wanted).then(
          ({ grant }) => ({ accepted: true, grant: grant.name }),
          (error: unknown) => ({ accepted: false, code: (error as { code: string }).code }),
        );
        expect(decision).toMatchObject(made);
      }
  });

  it('record nothing and open nothing', async () => {
    const before = (await world.events()).length;
    await world.decisions.explain(tokenOf({ sub: 'job-1' }), mine);
    expect((await world.events()).length).toBe(before);
    expect(await world.sql('SELECT 1 FROM runs')).toEqual([]);
  });
});

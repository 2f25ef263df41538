import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/kernel/secret.js';
import { RunTokens } from '../../../src/identity/run-tokens.js';
import type { ExchangeAnswer, ExchangeRequest } from '../../../src/run/exchange.js';
import { issuerParts } from '../../support/parts.js';
import {
  admin,
  grantInput,
  startGrantWorld,
  type GrantWorld,
  type RecordedEvent,
} from '../grant/grant-world.js';

let world: GrantWorld;
beforeAll(async () => {
  world = await startGrantWorld();
  await world.catalogue.create(admin(), { name: 'web', kind: 'kv', mount: 'kv', path: 'web' });
  await world.grants.create(
    admin(),
    grantInput('deploy', { credentials: [{ name: 'orders' }, { name: 'web' }], limits: { openRuns: 50 } }),
  );
  const claimed = { from: 'claim', stepFrom: 'claim' } as const;
  await world.grants.create(admin(), grantInput('claimed', { run: claimed }));
});
afterAll(() => world.stop());

const tokenFor = async (claims: Record<string, unknown>, shape = {}): Promise<Secret> =>
  Secret.of(await issuerParts().token(claims, shape));

async function exchange(
  subjectToken: Secret,
  changes: Partial<ExchangeRequest> = {},
  of: GrantWorld = world,
): Promise<ExchangeAnswer> {
  return of.exchange.exchange({ subjectToken, runId: 'R', stepId: 'S', requestId: 'req', ...changes });
}

async function lastRefusal(of: GrantWorld = world): Promise<RecordedEvent | undefined> {
  return (await of.events('exchange.refused')).at(-1);
}

describe('exchanges that are refused, each with its event', () => {
  it('a token that does not verify, by nobody that is known', async () => {
    const text = await issuerParts().token({ sub: 'job-deploy' });
    for (const [raw, code] of [
      ['not a token', 'token_malformed'],
      [`${text.slice(0, -8)}AAAAAAAA`, 'token_signature_invalid'],
      [await issuerParts().token({ sub: 'job-deploy' }, { lifetimeSeconds: -120 }), 'token_expired'],
      [await issuerParts().token({ sub: 'job-deploy' }, { audience: 'another' }), 'token_audience_refused'],
    ] as const) {
      await expect(exchange(Secret.of(raw), { requestId: code })).rejects.toMatchObject({ code });
      expect(await lastRefusal()).toMatchObject({ outcome: 'refused', code, actor: { type: 'anonymous' } });
    }
  });

  it('a workload without a grant', async () => {
    await expect(exchange(await tokenFor({ sub: 'stranger' }))).rejects.toMatchObject({
      code: 'grant_not_found',
    });
    expect(await lastRefusal()).toMatchObject({
      code: 'grant_not_found',
      actor: { type: 'workload', subject: 'stranger' },
      data: { issuer: 'ci' },
    });
  });

  it('a request without a run identity', async () => {
    const bare = { subjectToken: await tokenFor({ sub: 'job-deploy' }), requestId: 'req' };
    await expect(world.exchange.exchange(bare)).rejects.toMatchObject({ code: 'run_identity_missing' });
    expect(await lastRefusal()).toMatchObject({ code: 'run_identity_missing' });
    const token = await tokenFor({ sub: 'job-claimed', step_id: 'build' });
    await expect(exchange(token)).rejects.toMatchObject({ code: 'run_identity_missing', field: 'run_id' });
  });

  it('a run that the token contradicts, without writing down what was only claimed', async () => {
    const token = await tokenFor({ sub: 'job-claimed', run_id: '7', step_id: 'build' });
    await expect(exchange(token, { runId: 'FORGED' })).rejects.toMatchObject({
      code: 'run_identity_refused',
    });
    expect(JSON.stringify(await lastRefusal())).not.toContain('FORGED');
  });

  it('a scope that is more than the grant', async () => {
    const token = await tokenFor({ sub: 'job-deploy' });
    for (const scope of ['openid', 'credential:payments', 'grant:deploy grant:claimed']) {
      await expect(exchange(token, { scope })).rejects.toMatchObject({ code: 'scope_refused' });
      expect(await lastRefusal()).toMatchObject({ code: 'scope_refused' });
    }
    expect(await world.sql('SELECT 1 FROM runs')).toEqual([]);
  });

  it('a run that ended', async () => {
    const token = await tokenFor({ sub: 'job-deploy' });
    const { run } = await exchange(token, { runId: 'ended' });
    await world.runs.close(admin(), run.id);
    await expect(exchange(token, { runId: 'ended' })).rejects.toMatchObject({ code: 'run_closed' });
    expect(await lastRefusal()).toMatchObject({ code: 'run_closed', run: { run_id: 'ended' }, step_id: 'S' });
  });

  it('one without a proof where the settings ask for it, before anything else', async () => {
    const strict = await startGrantWorld({ requireProof: true });
    await expect(exchange(Secret.of('whatever'), {}, strict)).rejects.toMatchObject({
      code: 'proof_required',
    });
    expect(await lastRefusal(strict)).toMatchObject({ code: 'proof_required' });
    await strict.stop();
  });

  it('a token that was used, with neither run nor event of acceptance left', async () => {
    const once = await startGrantWorld({ replay: 'single-use' });
    await once.grants.create(admin(), grantInput('deploy'));
    const token = await tokenFor({ sub: 'job-deploy' });
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, n) => exchange(token, { runId: `R${n}` }, once)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await once.events('exchange.accepted')).toHaveLength(1);
    expect(await once.events('run.opened')).toHaveLength(1);
    const refused = await once.events('exchange.refused');
    expect(refused.map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => 'token_replayed'));
    expect(await once.sql('SELECT 1 FROM runs')).toHaveLength(1);
    await once.stop();
  });

  it('a token for another run, where it may be repeated for the same', async () => {
    const same = await startGrantWorld({ replay: 'idempotent-same-run' });
    await same.grants.create(admin(), grantInput('deploy'));
    const token = await tokenFor({ sub: 'job-deploy' });
    const first = await exchange(token, {}, same);
    const second = await exchange(token, { stepId: 'next' }, same);
    expect(second.run.id).toBe(first.run.id);
    await expect(exchange(token, { runId: 'other' }, same)).rejects.toMatchObject({ code: 'token_replayed' });
    await same.stop();
  });

  it('a failure of ours, which is recorded as one and leaves nothing', async () => {
    const token = await tokenFor({ sub: 'job-deploy' });
    await world.sql(`ALTER TABLE runs ADD CONSTRAINT broken CHECK (run_id <> 'broken')`);
    await expect(exchange(token, { runId: 'broken' })).rejects.toThrow(/broken/);
    expect(await lastRefusal()).toMatchObject({ outcome: 'failure', code: 'internal_error' });
    expect((await world.events('exchange.accepted')).filter(({ run }) => run?.run_id === 'broken')).toEqual(
      [],
    );
  });
});

describe('exchanges', () => {
  it('open a run and give a token that names it', async () => {
    const answer = await exchange(await tokenFor({ sub: 'job-deploy' }), { runId: 'first' });
    expect(answer).toMatchObject({
      tokenType: 'Bearer',
      scope: 'grant:deploy credential:orders credential:web',
      stepId: 'S',
      run: { runId: 'first', state: 'open', subject: 'job-deploy' },
      grant: { name: 'deploy' },
    });
    expect(answer.expiresInSeconds).toBeGreaterThan(590);
    expect(answer.expiresInSeconds).toBeLessThanOrEqual(600);
    const identity = await world.module.get(RunTokens, { strict: false }).verify(answer.accessToken);
    expect(identity).toMatchObject({
      runRef: answer.run.id,
      runId: 'first',
      stepId: 'S',
      grantId: answer.grant.id,
      grantVersion: 1,
      issuer: issuerParts().url,
      subject: 'job-deploy',
      scope: [],
    });
    const [accepted] = (await world.events('exchange.accepted')).filter(({ run }) => run?.run_id === 'first');
    expect(accepted).toMatchObject({
      run: { ref: answer.run.id },
      step_id: 'S',
      grant: { name: 'deploy' },
      data: { token_id: identity.tokenId, new_run: true, key_bound: false },
    });
    expect(JSON.stringify(await world.events())).not.toContain(answer.accessToken.expose());
  });

  it('find an open run again', async () => {
    const token = await tokenFor({ sub: 'job-deploy' });
    const answers = await Promise.all(Array.from({ length: 6 }, () => exchange(token, { runId: 'again' })));
    expect(new Set(answers.map(({ run }) => run.id)).size).toBe(1);
    const accepted = (await world.events('exchange.accepted')).filter(({ run }) => run?.run_id === 'again');
    expect(accepted.filter(({ data }) => data['new_run'] === true)).toHaveLength(1);
  });

  it('take run and step from claims', async () => {
    const subjectToken = await tokenFor({
      sub: 'job-claimed',
      run_id: '7',
      run_attempt: '2',
      step_id: 'build',
    });
    const answer = await world.exchange.exchange({ subjectToken, requestId: 'req' });
    expect(answer).toMatchObject({ run: { runId: '7.2' }, stepId: 'build' });
  });

  it('narrow to a scope and bind to a key', async () => {
    const scope = 'credential:web';
    const proofThumbprint = 'k'.repeat(43);
    const token = await tokenFor({ sub: 'job-deploy' });
    const answer = await exchange(token, { runId: 'narrow', scope, proofThumbprint });
    expect(answer).toMatchObject({ tokenType: 'DPoP', scope: 'grant:deploy credential:web' });
    expect(await world.module.get(RunTokens, { strict: false }).verify(answer.accessToken)).toMatchObject({
      scope: ['credential:web'],
      keyThumbprint: proofThumbprint,
    });
  });

  it('decide again when the grant changed on another replica meanwhile', async () => {
    const token = await tokenFor({ sub: 'job-deploy' });
    await exchange(token, { runId: 'before' });
    // As another replica does it: this one's memory is not told.
    await world.sql(
      `INSERT INTO grant_versions SELECT grant_id, 2, spec, created_at, created_by FROM grant_versions
       WHERE grant_id = (SELECT id FROM grants WHERE name = 'deploy') AND version = 1`,
    );
    await world.sql(`UPDATE grants SET version = 2 WHERE name = 'deploy'`);
    expect(await exchange(token, { runId: 'after' })).toMatchObject({
      run: { grantVersion: 2 },
      grant: { version: 2 },
    });
  });
});

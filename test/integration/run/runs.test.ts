import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/kernel/caller.js';
import type { GrantSpecInput } from '../../../src/grant/grant-spec.js';
import type { Run } from '../../../src/run/run.js';
import { StaleDecision } from '../../../src/run/runs.js';
import { tokenOf } from '../../unit/grant/grant-spec-samples.js';
import { admin, grantInput, startGrantWorld, type GrantWorld } from '../grant/grant-world.js';

let world: GrantWorld;
beforeAll(async () => {
  world = await startGrantWorld();
});
afterAll(() => world.stop());

const refused = { code: 'state_transition_refused' };

function workload(subject: string): Caller {
  return { actor: { type: 'workload', issuer: 'https://ci.example', subject }, requestId: `req-${subject}` };
}

/** Opens a run of the workload `job-GRANT`, as one exchange does. */
async function open(
  grant: string,
  runId: string,
  subject = `job-${grant}`,
): Promise<{ run: Run; opened: boolean }> {
  const token = tokenOf({ sub: `job-${grant}` }, { subject });
  const decision = await world.decisions.decide(token, { grant, runId, stepId: 'S' });
  return world.transactions.run((tx) => world.runs.open(tx, { decision, token, caller: workload(subject) }));
}

async function grantNamed(name: string, changes: Partial<GrantSpecInput> = {}): Promise<void> {
  await world.grants.create(admin(), grantInput(name, changes));
}

describe('runs that do not open', () => {
  it('one that ended, however it ended', async () => {
    await grantNamed('ended', { run: { from: 'asserted', stepFrom: 'asserted', maxDurationSeconds: 60 } });
    await world.runs.close(admin(), (await open('ended', 'closed')).run.id);
    await world.runs.revoke(admin(), (await open('ended', 'revoked')).run.id);
    const { run } = await open('ended', 'over');
    world.clock.advanceMs(60_000);
    for (const runId of ['closed', 'revoked', 'over'])
      await expect(open('ended', runId)).rejects.toMatchObject({ code: 'run_closed' });
    expect(await world.runs.expireDue(10)).toBe(1);
    expect(await world.runs.get(run.id)).toMatchObject({ state: 'expired', endCause: 'run_expired' });
    await expect(open('ended', 'over')).rejects.toMatchObject({ code: 'run_closed' });
  });

  it('one under a grant that changed, stopped or ended since the decision', async () => {
    await grantNamed('moved');
    const token = tokenOf({ sub: 'job-moved' });
    const decision = await world.decisions.decide(token, { runId: 'R', stepId: 'S' });
    const attempt = (): Promise<unknown> =>
      world.transactions.run((tx) => world.runs.open(tx, { decision, token, caller: workload('job-moved') }));
    await world.grants.suspend(admin(), 'moved');
    await expect(attempt()).rejects.toMatchObject({ code: 'grant_not_active' });
    await world.grants.change(admin(), 'moved', grantInput('moved'), 1);
    await expect(attempt()).rejects.toThrow(StaleDecision);
    expect(await world.sql(`SELECT 1 FROM runs WHERE subject = 'job-moved'`)).toEqual([]);
  });

  it('more than the cap, exactly, when all come at once', async () => {
    await grantNamed('capped', { limits: { openRuns: 3 } });
    const results = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => open('capped', `R${n}`)));
    const lost = results.filter((result) => result.status === 'rejected');
    expect(lost).toHaveLength(9);
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'run_limit_reached' });
    const running = await world.runs.list({ grant: 'capped', state: 'open', limit: 50 });
    expect(running.items).toHaveLength(3);
    const again = running.items[0]?.runId ?? '';
    expect(await open('capped', again)).toMatchObject({ opened: false });
    await world.runs.close(admin(), running.items[0]?.id ?? '');
    expect(await open('capped', 'next')).toMatchObject({ opened: true });
    await expect(open('capped', 'one more')).rejects.toMatchObject({ code: 'run_limit_reached' });
  });
});

describe('a run', () => {
  it('opens once, however often and however concurrently it is asked for', async () => {
    for (const name of ['once', 'once-capped']) {
      await grantNamed(name, name === 'once' ? {} : { limits: { openRuns: 1 } });
      const results = await Promise.all(Array.from({ length: 8 }, () => open(name, 'R')));
      expect(results.filter(({ opened }) => opened)).toHaveLength(1);
      expect(new Set(results.map(({ run }) => run.id)).size).toBe(1);
      const opened = (await world.events('run.opened')).filter((event) => event.grant?.name === name);
      expect(opened).toHaveLength(1);
      expect(opened[0]).toMatchObject({
        run: { run_id: 'R' },
        step_id: 'S',
        workload: { subject: `job-${name}` },
      });
    }
  });

  it('is one per workload: the same name by another is another run', async () => {
    await grantNamed('shared');
    const first = await open('shared', 'R', 'a');
    const second = await open('shared', 'R', 'b');
    expect(second.opened).toBe(true);
    expect(second.run.id).not.toBe(first.run.id);
  });

  it('lives no longer than its grant, and keeps only claims that conditions name', async () => {
    const expiresAt = new Date(world.clock.now().getTime() + 90_000);
    await grantNamed('short', { expiresAt: expiresAt.toISOString() });
    const token = tokenOf({ sub: 'job-short', hush: 'x' });
    const decision = await world.decisions.decide(token, { runId: 'R', stepId: 'S' });
    const { run } = await world.transactions.run((tx) =>
      world.runs.open(tx, { decision, token, caller: workload('job-short') }),
    );
    expect(run.deadline).toEqual(expiresAt);
    expect(await world.runs.get(run.id)).toEqual(run);
    expect(run.claims).toEqual({ sub: 'job-short' });
  });

  it('opens although the token carries what the database cannot store', async () => {
    await grantNamed('odd', { workload: { claims: { sub: 'job-odd', note: '*' } } });
    const token = tokenOf({ sub: 'job-odd', note: 'a\u0000b' });
    const decision = await world.decisions.decide(token, { runId: 'R', stepId: 'S' });
    const { run } = await world.transactions.run((tx) =>
      world.runs.open(tx, { decision, token, caller: workload('job-odd') }),
    );
    expect(run.claims).toEqual({ sub: 'job-odd' });
  });
});

describe('endings that are refused', () => {
  it('of what is not there', async () => {
    for (const id of ['nothing', '01930000-0000-7000-8000-000000000001', "' OR true"])
      await expect(world.runs.close(admin(), id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it("of another workload's run, which does not exist to it", async () => {
    await grantNamed('mine');
    const { run } = await open('mine', 'R');
    await expect(world.runs.close(workload('job-other'), run.id)).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(world.runs.revoke(workload('job-other'), run.id)).rejects.toMatchObject({
      code: 'not_found',
    });
    const ended = await world.runs.close(workload('job-mine'), run.id);
    expect(ended.run.state).toBe('closed');
    await expect(world.runs.close(workload('job-other'), run.id)).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(world.runs.close(workload('job-mine'), run.id)).rejects.toMatchObject(refused);
  });

  it('of one that ended, also by SQL', async () => {
    await grantNamed('final');
    const { run } = await open('final', 'R');
    await world.runs.revoke(admin(), run.id, 'stolen');
    await expect(world.runs.close(admin(), run.id)).rejects.toMatchObject(refused);
    await expect(world.runs.revoke(admin(), run.id)).rejects.toMatchObject(refused);
    await expect(
      world.sql(`UPDATE runs SET state = 'open', ended_at = NULL WHERE id = $1`, [run.id]),
    ).rejects.toThrow(/cannot go from revoked to open/);
  });

  it('with no trace when the port fails', async () => {
    await grantNamed('failing');
    const { run } = await open('failing', 'R');
    world.endings.fail = new Error('the port failed');
    await expect(world.runs.close(admin(), run.id)).rejects.toThrow('the port failed');
    world.endings.fail = undefined;
    expect(await world.runs.get(run.id)).toMatchObject({ state: 'open', endedAt: null });
    expect((await world.events('run.closed')).filter((event) => event.run?.ref === run.id)).toEqual([]);
  });
});

describe('the end of a run', () => {
  it('happens once, with its event, and tells the leases', async () => {
    await grantNamed('closing');
    const { run } = await open('closing', 'R');
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, (_, n) =>
        n % 2 === 0 ? world.runs.close(admin(), run.id, 'done') : world.runs.revoke(admin(), run.id, 'done'),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const events = (await world.events()).filter((event) => event.run?.ref === run.id);
    expect(events.map(({ kind }) => kind)).toEqual([
      'run.opened',
      expect.stringMatching(/^run\.(closed|revoked)$/),
    ]);
    expect(events[1]?.data).toEqual({ leases: 3, reason: 'done' });
    expect(world.endings.during.filter(({ of }) => of === run.id)).toHaveLength(1);
    expect(world.endings.after.filter((of) => of === run.id)).toHaveLength(1);
  });

  it('is durable although the revocations could not be started', async () => {
    await grantNamed('unstarted');
    const { run } = await open('unstarted', 'R');
    world.endings.failAfter = new Error('Vault is down');
    expect(await world.runs.close(admin(), run.id)).toMatchObject({ leases: 3, run: { state: 'closed' } });
    world.endings.failAfter = undefined;
  });

  it('comes with that of its grant, and not with a pause of it', async () => {
    await grantNamed('parent');
    const first = await open('parent', 'R1');
    await world.grants.suspend(admin(), 'parent');
    expect(await world.runs.get(first.run.id)).toMatchObject({ state: 'open' });
    await world.grants.resume(admin(), 'parent');
    await open('parent', 'R2');
    await world.grants.revoke(admin(), 'parent');
    const runs = await world.runs.list({ grant: 'parent', limit: 10 });
    expect(runs.items.map(({ state, endCause }) => [state, endCause])).toEqual([
      ['revoked', 'grant_revoked'],
      ['revoked', 'grant_revoked'],
    ]);
    const events = (await world.events('run.revoked')).filter((event) => event.grant?.name === 'parent');
    expect(events.map(({ run }) => run?.run_id).sort()).toEqual(['R1', 'R2']);
  });

  it('comes with that of its grant also for runs that open at the same moment', async () => {
    await grantNamed('racing');
    await Promise.allSettled([
      ...Array.from({ length: 6 }, (_, n) => open('racing', `R${n}`)),
      world.grants.revoke(admin(), 'racing'),
      ...Array.from({ length: 6 }, (_, n) => open('racing', `S${n}`)),
    ]);
    expect(await world.grants.get('racing')).toMatchObject({ state: 'revoked' });
    expect((await world.runs.list({ grant: 'racing', state: 'open', limit: 50 })).items).toEqual([]);
  });

  it('comes at its deadline, once, on whichever replica', async () => {
    const run = { from: 'asserted', stepFrom: 'asserted', maxDurationSeconds: 60 } as const;
    await grantNamed('deadline', { run });
    await Promise.all(Array.from({ length: 5 }, (_, n) => open('deadline', `R${n}`)));
    world.clock.advanceMs(59_999);
    expect(await world.runs.expireDue(100)).toBe(0);
    world.clock.advanceMs(1);
    const counts = await Promise.all([world.runs.expireDue(100), world.runs.expireDue(100)]);
    expect(counts[0] + counts[1]).toBe(5);
    const expired = (await world.events('run.expired')).filter((event) => event.grant?.name === 'deadline');
    expect(expired).toHaveLength(5);
    expect(expired[0]).toMatchObject({ actor: { type: 'system', name: 'scheduler' } });
  });

  it('is looked for by jobs that one replica at a time does', async () => {
    expect(world.jobs.map(({ name, sharing }) => [name, sharing])).toEqual([
      ['grants.expire', 'exclusive'],
      ['runs.expire', 'exclusive'],
    ]);
    for (const job of world.jobs)
      expect(await job.run(new AbortController().signal, () => undefined)).toEqual({
        worked: expect.any(Number) as number,
      });
    expect(await world.jobs[0]?.run(AbortSignal.abort(), () => undefined)).toEqual({ worked: 0 });
  });
});

describe('lists of runs', () => {
  it('filter and page, newest first', async () => {
    await grantNamed('listed');
    for (const n of [1, 2, 3]) {
      // Ids are in order of creation to the millisecond.
      world.clock.advanceMs(1);
      await open('listed', `L${n}`, n === 2 ? 'someone' : 'job-listed');
    }
    const ids = async (filter: object): Promise<string[]> =>
      (await world.runs.list({ limit: 50, grant: 'listed', ...filter })).items.map(({ runId }) => runId);
    expect(await ids({})).toEqual(['L3', 'L2', 'L1']);
    expect(await ids({ subject: 'someone' })).toEqual(['L2']);
    expect(await ids({ runId: 'L1' })).toEqual(['L1']);
    expect(await ids({ state: 'closed' })).toEqual([]);
    expect(await ids({ grant: (await world.grants.get('listed')).id })).toHaveLength(3);
    const first = await world.runs.list({ limit: 2, grant: 'listed' });
    const second = await world.runs.list({ limit: 2, grant: 'listed', cursor: first.nextCursor ?? '' });
    expect(second.items.map(({ runId }) => runId)).toEqual(['L1']);
    expect(second.nextCursor).toBeNull();
    await expect(world.runs.list({ limit: 0 })).rejects.toMatchObject({ field: 'limit' });
    await expect(world.runs.list({ limit: 1, cursor: 'x' })).rejects.toMatchObject({ field: 'cursor' });
  });
});

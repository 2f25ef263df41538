import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiCall, type ApiAnswer } from '../../support/api-call.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
let replica: { readonly url: string; stop(): Promise<void> };

beforeAll(async () => {
  world = await startWorld();
  replica = await world.replica();
});
afterAll(async () => {
  await replica.stop();
  await world.stop();
});

async function exchange(sub: string, runId: string): Promise<ApiAnswer> {
  return apiCall(replica.url, 'POST', '/oauth2/token', {
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await world.workerToken({ sub }),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      run_id: runId,
      step_id: 'step',
    },
  });
}

// Again and again: what another replica knows is at another age each time.
it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'a grant is known to another replica as soon as its making was answered (%d)',
  async (nth) => {
    const sub = `jobs/new-${nth}`;
    expect(await exchange(sub, 'before')).toMatchObject({ status: 400, body: { code: 'grant_not_found' } });
    await world.createGrant({ name: `new-${nth}`, workload: { claims: { sub } } });
    expect(await exchange(sub, 'after')).toMatchObject({ status: 200 });
  },
);

it('and so is one that came back, and a second one that makes the choice ambiguous no more', async () => {
  const sub = 'jobs/twice';
  const token = await world.adminToken();
  const ids = [];
  for (const name of ['twice-a', 'twice-b'])
    ids.push(((await world.createGrant({ name, workload: { claims: { sub } } })) as { id: string }).id);
  expect(await exchange(sub, 'r1')).toMatchObject({ body: { code: 'grant_ambiguous' } });
  const act = async (id: string | undefined, what: string): Promise<void> => {
    const answer = await world.call('POST', `/v1/grants/${id ?? ''}/${what}`, {
      token,
      body: { reason: 'test' },
    });
    expect(answer.status).toBe(200);
  };
  await act(ids[1], 'suspend');
  expect(await exchange(sub, 'r2')).toMatchObject({ status: 200 });
  await act(ids[0], 'suspend');
  expect((await exchange(sub, 'r3')).status).toBeGreaterThanOrEqual(400);
  await act(ids[0], 'resume');
  expect(await exchange(sub, 'r4')).toMatchObject({ status: 200 });
});

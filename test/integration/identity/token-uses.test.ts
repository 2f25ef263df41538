import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenUses, type ReplayPolicy } from '../../../src/identity/token-uses.js';
import type { VerifiedToken } from '../../../src/identity/verified-token.js';
import { freshDatabase, type TestDatabase } from '../../support/parts.js';
import { NOW, settingsWith } from '../../unit/identity/fixtures.js';
import { startReplica, type Replica } from './identity-world.js';

let database: TestDatabase;
let replica: Replica;

beforeAll(async () => {
  database = await freshDatabase();
  const settings = settingsWith([{ name: 'main', url: 'https://issuer.example', audience: 'a' }], {
    database: { url: database.url },
  });
  replica = await startReplica(settings, NOW);
});
afterAll(async () => {
  await replica.stop();
  await database.drop();
});

function newToken(): VerifiedToken {
  const tokenHash = createHash('sha256').update(randomBytes(16)).digest();
  return { issuer: 'https://issuer.example', tokenHash, expiresAt: NOW } as VerifiedToken;
}

type Use = readonly [run: string, key?: string];

function use(token: VerifiedToken, policy: ReplayPolicy, [run, key]: Use): Promise<void> {
  const uses = replica.module.get(TokenUses);
  return replica.transactions.run((tx) => uses.use(tx, token, policy, run, key));
}

describe('a second use', () => {
  it.each<[string, ReplayPolicy, Use, Use]>([
    ['single-use: the same again', 'single-use', ['run'], ['run']],
    ['single-use: another run', 'single-use', ['run'], ['other']],
    ['single-use: the same key', 'single-use', ['run', 'key'], ['run', 'key']],
    ['idempotent: another run', 'idempotent-same-run', ['run'], ['other']],
    ['idempotent: another key', 'idempotent-same-run', ['run', 'key'], ['run', 'other']],
    ['idempotent: bound, then not', 'idempotent-same-run', ['run', 'key'], ['run']],
    ['pinned: another key', 'first-key-pinned', ['run', 'key'], ['run', 'other']],
  ])('is refused. %s', async (_, policy, first, second) => {
    const token = newToken();
    await use(token, policy, first);
    await expect(use(token, policy, second)).rejects.toMatchObject({ code: 'token_replayed' });
  });

  it('is refused, where a key is pinned and there is none, already the first time', async () => {
    await expect(use(newToken(), 'first-key-pinned', ['run'])).rejects.toMatchObject({
      code: 'proof_required',
    });
  });

  it('is refused after a stricter policy was configured', async () => {
    const token = newToken();
    await use(token, 'idempotent-same-run', ['run']);
    await expect(use(token, 'single-use', ['run'])).rejects.toMatchObject({ code: 'token_replayed' });
    await expect(use(token, 'first-key-pinned', ['run', 'key'])).rejects.toMatchObject({
      code: 'token_replayed',
    });
  });

  it('is refused to all but one of many at the same moment', async () => {
    const token = newToken();
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, () => use(token, 'single-use', ['run'])),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is refused to all runs but one of many at the same moment', async () => {
    const token = newToken();
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => use(token, 'idempotent-same-run', [`run-${index % 3}`])),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
  });

  it.each<[string, ReplayPolicy, Use, Use]>([
    ['none', 'none', ['run'], ['other']],
    ['idempotent: the same run', 'idempotent-same-run', ['run'], ['run']],
    ['idempotent: the same run and key', 'idempotent-same-run', ['run', 'key'], ['run', 'key']],
    ['idempotent: bound at last', 'idempotent-same-run', ['run'], ['run', 'key']],
    ['pinned: the same key for another run', 'first-key-pinned', ['run', 'key'], ['other', 'key']],
  ])('is allowed. %s', async (_, policy, first, second) => {
    const token = newToken();
    await use(token, policy, first);
    await expect(use(token, policy, second)).resolves.toBeUndefined();
  });

  it('is the first when the first was rolled back', async () => {
    const token = newToken();
    const uses = replica.module.get(TokenUses);
    const undone = replica.transactions.run(async (tx) => {
      await uses.use(tx, token, 'single-use', 'run');
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await expect(use(token, 'single-use', ['run'])).resolves.toBeUndefined();
  });

  it('is remembered for longer than the token may be accepted', async () => {
    const token = newToken();
    await use(token, 'single-use', ['run']);
    const rows: { expires_at: Date }[] = await replica.dataSource.query(
      'SELECT expires_at FROM token_uses WHERE token_hash = $1',
      [token.tokenHash],
    );
    expect(rows).toEqual([{ expires_at: new Date(NOW.getTime() + 300_000) }]);
  });
});

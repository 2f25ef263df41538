import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agrees, type FaultWorld } from '../../src/dev/fault/fault-world.js';
import type { PostgresCut } from '../../src/dev/fault/postgres-proxy.js';
import type { VaultCut } from '../../src/dev/fault/vault-proxy.js';
import * as acts from './acts.js';
import { play, withCut, type Cell } from './cell.js';
import { startFaultWorld } from './start-fault-world.js';

/** Every request to Vault that leaves something behind, or that proves something. */
const VAULT: readonly { readonly what: string; readonly request: RegExp; readonly act: Cell['act'] }[] = [
  { what: "the lease's token", request: /^POST \/v1\/auth\/token\/create\//, act: acts.lease },
  { what: 'the credential', request: /^GET \/v1\/database-\w+\/creds\//, act: acts.lease },
  { what: 'the renewal', request: /^POST \/v1\/sys\/leases\/renew$/, act: acts.renew },
  { what: 'the revocation', request: /^POST \/v1\/sys\/leases\/revoke$/, act: acts.release },
  { what: "the token's end", request: /^POST \/v1\/auth\/token\/revoke-accessor$/, act: acts.release },
  { what: 'the proof', request: /^POST \/v1\/sys\/leases\/lookup$/, act: acts.release },
];
const VAULT_MOMENTS: readonly VaultCut['moment'][] = ['before', 'after', 'silent', 500, 503, 429];

/** Every change of the database, by words that it alone has. */
const POSTGRES: readonly {
  readonly what: string;
  readonly words: string;
  readonly then?: 'COMMIT';
  readonly act: Cell['act'];
}[] = [
  { what: 'the exchange', words: '"exchange.accepted"', then: 'COMMIT', act: acts.exchange },
  { what: 'the request', words: '"lease.requested"', act: acts.lease },
  { what: 'the activation', words: '"lease.issued"', act: acts.lease },
  { what: 'the failure', words: '"lease.failed"', act: acts.leaseThatFails },
  { what: 'the renewal', words: '"lease.renewed"', act: acts.renew },
  { what: 'the mark', words: "SET state = 'revoking', revoke_cause = $1", then: 'COMMIT', act: acts.release },
  { what: 'the claim', words: 'SET claimed_by = $4::text', act: acts.release },
  { what: 'the end', words: 'leases.end', act: acts.release },
  { what: 'the close', words: '"run.closed"', then: 'COMMIT', act: acts.close },
  { what: "the grant's end", words: '"grant.revoked"', then: 'COMMIT', act: acts.revokeGrant },
  { what: 'the expiry', words: 'l.expires_at <= $2', then: 'COMMIT', act: acts.expire },
  { what: 'the claim of a job', words: 'UPDATE scheduled_jobs SET', act: acts.comesRound },
  { what: 'the sequence', words: 'UPDATE audit_head', then: 'COMMIT', act: acts.comesRound },
];
const POSTGRES_MOMENTS: readonly PostgresCut['moment'][] = ['before', 'after', 'silent'];

const CELLS: readonly Cell[] = [
  ...VAULT.flatMap(({ what, request, act }) =>
    VAULT_MOMENTS.map((moment) =>
      withCut(`Vault, ${what}: ${moment}`, ({ vault }) => vault.cut({ moment, request }), act),
    ),
  ),
  ...POSTGRES.flatMap(({ what, words, then, act }) =>
    POSTGRES_MOMENTS.map((moment) =>
      withCut(
        `PostgreSQL, ${what}: ${moment}`,
        ({ postgres }) => postgres.cut({ moment, words, ...(then && { then }) }),
        act,
      ),
    ),
  ),
];

let world: FaultWorld;

beforeAll(async () => {
  world = await startFaultWorld(4, 2);
}, 240_000);
afterAll(() => world.stop());

describe('a connection that is cut', () => {
  it.concurrent.each(CELLS)('$name', { timeout: 300_000 }, (cell) => play(world, cell));
});

describe('when all of that is over', () => {
  it('the target, Vault, the rows and the log agree', async () => {
    expect(await world.rest(200_000)).toSatisfy(agrees);
    expect([world.fleet.lastWords, world.fleet.counts.deaths]).toEqual([[], 0]);
  }, 240_000);
});

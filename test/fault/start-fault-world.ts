import { randomBytes } from 'node:crypto';
import { faultParts } from '../../src/dev/fault/fault-parts.js';
import { FaultWorld } from '../../src/dev/fault/fault-world.js';
import { Reaper } from '../../src/dev/reaper.js';
import { VaultOperator } from '../../src/dev/vault-operator.js';
import { buildOnce } from '../support/build-once.js';
import { freshDatabase, freshTarget, issuerParts, vaultParts } from '../support/parts.js';

/** Brokers under test on the parts of this run, with a database, a target and mounts of their own. */
export async function startFaultWorld(replicas: number, seed: number): Promise<FaultWorld> {
  await buildOnce();
  const { address, rootToken } = vaultParts();
  const [database, target] = await Promise.all([freshDatabase(), freshTarget()]);
  const issuer = issuerParts();
  const parts = await faultParts({
    reaper: new Reaper(),
    id: randomBytes(4).toString('hex'),
    databaseUrl: database.url,
    target,
    vault: new VaultOperator(address, rootToken),
    issuerUrl: issuer.url,
    platformToken: (claims) => issuer.token(claims, { lifetimeSeconds: 600 }),
  });
  return FaultWorld.start(
    {
      ...parts,
      clear: async () => {
        await parts.clear().catch(() => undefined);
        await database.drop();
        await target.drop();
        await parts.reaper.close();
      },
    },
    replicas,
    seed,
  );
}

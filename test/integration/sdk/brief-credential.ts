import { DATABASE_ROLE } from '../../../src/dev/engines.js';
import type { World } from '../../support/world.js';

/**
 * Catalogue entries `orders-brief` and `orders-too`: the readers of the orders, for 4 seconds and at most 9 with renewals;
 * and a grant `orders-brief` for them.
 */
export async function briefCredential(world: World): Promise<void> {
  for (const name of ['orders-brief', 'orders-too']) {
    await world.addCredential({
      name,
      kind: 'database',
      mount: world.names.mounts.database,
      path: DATABASE_ROLE,
      default_ttl_seconds: 4,
      max_ttl_seconds: 9,
    });
  }
  await world.createGrant({
    name: 'orders-brief',
    credentials: [{ name: 'orders-brief' }, { name: 'orders-too' }, { name: 'orders-readonly' }],
  });
}

import { DATABASE_ROLE } from '../../../src/dev/engines.js';
import type { World } from '../../support/world.js';

/** Catalogue entry and grant `orders-brief`: the readers of the orders, for 4 seconds and at most 9 with renewals. */
export async function briefCredential(world: World): Promise<void> {
  await world.addCredential({
    name: 'orders-brief',
    kind: 'database',
    mount: world.names.mounts.database,
    path: DATABASE_ROLE,
    default_ttl_seconds: 4,
    max_ttl_seconds: 9,
  });
  await world.createGrant({
    name: 'orders-brief',
    credentials: [{ name: 'orders-brief' }, { name: 'orders-readonly' }],
  });
}

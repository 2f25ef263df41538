import type { Change } from './change.js';
import { desiredParts } from './desired.js';
import { bootstrapInputSchema, type BootstrapInput } from './input.js';
import type { OperatorVault } from './operator.js';

/**
 * What bootstrapping would change, in order; writes nothing. After an apply, every action is `none`, `extra` or
 * `attention`. Fails with a `BrokerError` of Vault, and with a ZodError when a name could not stand in a policy.
 */
export async function plan(vault: OperatorVault, input: BootstrapInput): Promise<readonly Change[]> {
  const parts = await desiredParts(vault, bootstrapInputSchema.parse(input));
  const changes: Change[] = [];
  for (const part of parts) changes.push(await part.plan());
  return changes;
}

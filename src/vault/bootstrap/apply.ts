import { z } from 'zod';
import { Secret } from '../../kernel/secret.js';
import { readAnswer } from '../answers.js';
import { vaultPath } from '../vault-path.js';
import type { Change } from './change.js';
import { desiredParts } from './desired.js';
import { bootstrapInputSchema, type BootstrapInput, type BootstrapPlanInput } from './input.js';
import type { OperatorVault } from './operator.js';

/** What to do beside what the plan says. */
export interface ApplyOptions {
  /** Delete policies of credentials that are not in the catalogue any more. */
  readonly removeExtra?: boolean;
  /** Make a new AppRole secret id; the ones before stay valid. */
  readonly newSecretId?: boolean;
}

/** What was done, and what the broker needs to log in. */
export interface Applied {
  /** As planned, with what was done; `extra` that was removed is among them. */
  readonly changes: readonly Change[];
  readonly roleId: string | undefined;
  readonly secretId: Secret | undefined;
}

/**
 * Brings Vault to where the broker can work. Safe to repeat, also after a failure half way: every part is looked at
 * again and written only when it differs.
 */
export async function apply(
  vault: OperatorVault,
  input: BootstrapInput,
  options: ApplyOptions = {},
): Promise<Applied> {
  const checked = bootstrapInputSchema.parse(input);
  const changes: Change[] = [];
  for (const part of await desiredParts(vault, checked)) {
    const change = await part.plan();
    const due = change.action === 'extra' ? options.removeExtra === true : isWrite(change);
    if (due) await part.apply();
    changes.push(change);
  }
  return { changes, ...(await loginOf(vault, checked, options.newSecretId === true)) };
}

function isWrite({ action }: Change): boolean {
  return action === 'create' || action === 'update';
}

const roleIdAnswer = z.object({ role_id: z.string().min(1) });
const secretIdAnswer = z.object({ data: z.object({ secret_id: z.string().min(1) }) });

async function loginOf(
  vault: OperatorVault,
  { approle }: BootstrapPlanInput,
  newSecretId: boolean,
): Promise<Pick<Applied, 'roleId' | 'secretId'>> {
  if (approle === undefined) return { roleId: undefined, secretId: undefined };
  const role = vaultPath('auth', approle.mount, 'role', approle.role);
  const { role_id: roleId } = readAnswer(roleIdAnswer, await vault.read(`${role}/role-id`), 'operator_read');
  if (!newSecretId) return { roleId, secretId: undefined };
  const made = readAnswer(secretIdAnswer, await vault.write(`${role}/secret-id`, {}), 'operator_write');
  return { roleId, secretId: Secret.of(made.data.secret_id) };
}

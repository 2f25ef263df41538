import { readFile } from 'node:fs/promises';
import { Secret } from '../kernel/secret.js';
import type { SettingsValues } from '../settings/schema.js';
import { authAnswer, readAnswer, type VaultAuth } from './answers.js';
import type { VaultClient } from './vault-client.js';
import { VaultError } from './vault-error.js';
import { vaultPath } from './vault-path.js';

/** How the broker logs in, from the settings. */
export type VaultLogin = SettingsValues['vault']['login'];

const OPERATION = 'login';
const OUTAGES: ReadonlySet<string> = new Set(['vault_unavailable', 'vault_sealed']);

/**
 * Logs in to Vault (`auth/MOUNT/login`). Files are read each time, since platforms rotate what is in them. A refusal
 * of the credentials is `vault_denied`, whichever status Vault gives it: AppRole says 400, a missing mount 404.
 */
export async function logIn(client: VaultClient, login: VaultLogin): Promise<VaultAuth> {
  const body = await loginBody(login);
  try {
    const answer = await client.call({
      operation: OPERATION,
      method: 'POST',
      path: vaultPath('auth', login.mount, 'login'),
      body,
    });
    return readAnswer(authAnswer, answer, OPERATION).auth;
  } catch (error) {
    if (!(error instanceof VaultError) || error.httpStatus === undefined || OUTAGES.has(error.code))
      throw error;
    throw VaultError.of('login_refused', {
      operation: OPERATION,
      httpStatus: error.httpStatus,
      errors: error.vaultErrors,
    });
  }
}

async function loginBody(login: VaultLogin): Promise<Record<string, unknown>> {
  if (login.method === 'jwt')
    return { role: login.role, jwt: await secretFile('login.tokenFile', login.tokenFile) };
  const secretId = login.secretId ?? (await secretFile('login.secretIdFile', login.secretIdFile ?? ''));
  return { role_id: login.roleId, secret_id: secretId };
}

async function secretFile(setting: string, path: string): Promise<Secret> {
  const refuse = (reason: string): never => {
    throw VaultError.of('login_refused', { operation: OPERATION, reason: `vault.${setting} ${reason}` });
  };
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return text === '' ? refuse('names an empty file') : Secret.of(text);
  } catch (error) {
    if (error instanceof VaultError) throw error;
    return refuse(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown fault'}`);
  }
}

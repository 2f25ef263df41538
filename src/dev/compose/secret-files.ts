import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The secrets of the containers, as files below one folder: a volume for each service that needs some, so that none
 * sees another's. Each is made once and stays.
 */
export const SECRET_FILES = {
  postgresPassword: 'postgres/password',
  vaultRootToken: 'openbao/root-token',
  brokerDatabaseUrl: 'broker/database-url',
  brokerHmacKey: 'broker/audit-hmac-key',
  brokerSecretId: 'broker/vault-secret-id',
} as const;
export type SecretName = keyof typeof SECRET_FILES;

/** Reads a secret, or makes it: random unless a value is given. Answers it. */
export async function ensureSecret(folder: string, name: SecretName, value?: string): Promise<string> {
  const found = await readSecret(folder, name);
  if (found !== undefined) return found;
  const made = value ?? randomBytes(24).toString('hex');
  await writeSecret(folder, name, made);
  return made;
}

/** The secret, or undefined when it was not made yet. */
export async function readSecret(folder: string, name: SecretName): Promise<string | undefined> {
  return readFile(join(folder, SECRET_FILES[name]), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Puts a secret in place at once: who reads meanwhile reads the old one or the new one. */
export async function writeSecret(folder: string, name: SecretName, value: string): Promise<void> {
  const file = join(folder, SECRET_FILES[name]);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, value, { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
}

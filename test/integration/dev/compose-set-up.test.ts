import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import {
  ensureSecret,
  readSecret,
  SECRET_FILES,
  writeSecret,
} from '../../../src/dev/compose/secret-files.js';
import { COMPOSE_NAMES, setUp } from '../../../src/dev/compose/set-up.js';
import { repositoryRoot } from '../../../src/dev/repository.js';
import { loadSettings } from '../../../src/settings/load.js';
import { vaultParts } from '../../support/parts.js';

let folder: string;
const services = (): Parameters<typeof setUp>[1] => {
  const { postgres } = inject('leasegateParts');
  return {
    postgres,
    postgresSeenFromVault: vaultParts().hostSeenFromVault,
    vaultAddress: vaultParts().address,
  };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-compose-test-'));
  const { postgres } = inject('leasegateParts');
  await writeSecret(folder, 'postgresPassword', new URL(postgres.adminUrl).password);
  await writeSecret(folder, 'vaultRootToken', vaultParts().rootToken);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('refuses a database URL that it did not make', async () => {
  await writeSecret(folder, 'brokerDatabaseUrl', "postgresql://x';drop:y@postgres:5432/leasegate");
  await expect(setUp(folder, services())).rejects.toThrow(/not one that this program made/);
  await rm(join(folder, SECRET_FILES.brokerDatabaseUrl));
});

it('makes each secret once, for its owner alone', async () => {
  const made = await ensureSecret(folder, 'brokerHmacKey');
  expect(made).toMatch(/^[0-9a-f]{48}$/);
  expect(await ensureSecret(folder, 'brokerHmacKey')).toBe(made);
  expect((await stat(join(folder, SECRET_FILES.brokerHmacKey))).mode & 0o777).toBe(0o600);
});

it('sets up what the settings of the containers name, also a second time', async () => {
  await ensureSecret(folder, 'brokerDatabaseUrl', 'postgresql://leasegate:abc123@postgres:5432/leasegate');
  await setUp(folder, services());
  const first = await readSecret(folder, 'brokerSecretId');
  await setUp(folder, services());
  expect(await readSecret(folder, 'brokerSecretId')).not.toBe(first);

  const settingsFile = join(folder, 'compose.yaml');
  const text = await readFile(join(repositoryRoot(), 'config', 'compose.yaml'), 'utf8');
  await writeFile(settingsFile, text);
  const { values } = loadSettings({
    file: settingsFile,
    environment: {
      LEASEGATE_ROLES: 'scheduler',
      LEASEGATE_DATABASE__URL_FILE: join(folder, SECRET_FILES.brokerDatabaseUrl),
      LEASEGATE_AUDIT__HMAC_KEY_FILE: join(folder, SECRET_FILES.brokerHmacKey),
    },
  });
  expect(values.vault).toMatchObject({
    leaseTokenRole: COMPOSE_NAMES.leaseTokenRole,
    policyPrefix: COMPOSE_NAMES.policyPrefix,
    login: { method: 'approle', mount: COMPOSE_NAMES.approleMount },
  });
  const roleId = values.vault.login.method === 'approle' ? values.vault.login.roleId : '';
  const response = await fetch(`${vaultParts().address}/v1/auth/${COMPOSE_NAMES.approleMount}/login`, {
    method: 'POST',
    body: JSON.stringify({ role_id: roleId, secret_id: await readSecret(folder, 'brokerSecretId') }),
  });
  expect(response.status).toBe(200);
});

import { randomBytes } from 'node:crypto';
import { ensureSecret } from './secret-files.js';

/** `secrets FOLDER`: the first service of docker-compose.yml makes the secrets of the others, once. */
const folder = process.argv[2];
if (folder === undefined) throw new Error('name the folder of the secrets');
await ensureSecret(folder, 'postgresPassword');
await ensureSecret(folder, 'vaultRootToken');
await ensureSecret(folder, 'brokerHmacKey');
const password = randomBytes(24).toString('hex');
await ensureSecret(folder, 'brokerDatabaseUrl', `postgresql://leasegate:${password}@postgres:5432/leasegate`);
process.stdout.write('the secrets are there\n');

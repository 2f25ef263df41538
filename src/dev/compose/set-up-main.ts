import { setUp } from './set-up.js';

/** `set-up-main FOLDER`: the service of docker-compose.yml that prepares the database and Vault for the broker. */
const folder = process.argv[2];
if (folder === undefined) throw new Error('name the folder of the secrets');
const done = await setUp(folder, {
  postgres: { host: 'postgres', port: 5432 },
  postgresSeenFromVault: 'postgres',
  vaultAddress: 'http://openbao:8200',
});
process.stdout.write(`${done}\n`);

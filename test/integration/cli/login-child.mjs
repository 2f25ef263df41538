// A command for `exec`: logs in at TARGET_URL over and over, with the login that is in the file CREDENTIAL_FILE (read at
// the start and at SIGHUP) or in DB_USERNAME and DB_PASSWORD, and prints what came of it, a line each.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

const { CREDENTIAL_FILE, DB_USERNAME, DB_PASSWORD, TARGET_URL } = process.env;
const read = () =>
  CREDENTIAL_FILE === undefined
    ? { username: DB_USERNAME, password: DB_PASSWORD }
    : JSON.parse(readFileSync(CREDENTIAL_FILE, 'utf8'));
let login = read();
let stopped = false;
process.on('SIGHUP', () => {
  login = read();
  console.log(`signalled ${login.username}`);
});
process.on('SIGTERM', () => (stopped = true));
const { ALSO } = process.env;
console.log(`started ${login.username}${ALSO ? ` and ${process.env[`${ALSO}_USERNAME`]}` : ''}`);

while (!stopped) {
  const { username, password } = login;
  const url = new URL(TARGET_URL);
  url.username = encodeURIComponent(username);
  url.password = encodeURIComponent(password);
  const client = new pg.Client({ connectionString: url.href });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    console.log(`ok ${username}`);
  } catch (error) {
    console.log(`failed ${username} ${error.message}`);
  } finally {
    await client.end().catch(() => undefined);
  }
  await pause(40);
}
process.exit(7);

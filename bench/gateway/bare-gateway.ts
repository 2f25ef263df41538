import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Pool } from 'undici';
import { serveJson } from '../program.js';

// What any gateway does that records a call on disk before it makes it, and nothing else: no identity, check, limit,
// scrub, price, event or answer recorded. The least that such a call adds on this machine, whatever is done about the rest.
const upstream = new Pool(process.env['UPSTREAM'] ?? '', { connections: 64 });
const database = new pg.Pool({ connectionString: process.env['DATABASE_URL'] ?? '', max: 16 });
await database.query('CREATE TABLE IF NOT EXISTS bare_calls (id uuid PRIMARY KEY)');

serveJson(async (path, body) => {
  await database.query({
    name: 'record',
    text: 'INSERT INTO bare_calls (id) VALUES ($1)',
    values: [randomUUID()],
  });
  const answer = await upstream.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-bench' },
    body,
  });
  return answer.body.text();
});

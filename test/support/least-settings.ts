import { settingsFrom } from '../../src/settings/load.js';
import type { Settings } from '../../src/settings/schema.js';

/** Settings of a broker of which only the database is there, and what a test says beside that. */
export function leastSettings(
  database: Readonly<Record<string, unknown>> & { readonly url: string },
  more: Readonly<Record<string, unknown>> = {},
): Settings {
  return settingsFrom({
    database,
    vault: { address: 'http://127.0.0.1:1', login: { method: 'approle', roleId: 'r', secretId: 's' } },
    issuers: [{ name: 'dev', url: 'https://id.example', audience: 'leasegate' }],
    audit: { hmacKey: 'a key of the test' },
    ...more,
  });
}

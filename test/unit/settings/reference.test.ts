import { expect, it } from 'vitest';
import { loadSettings } from '../../../src/settings/load.js';
import { settingsJson, settingsReference } from '../../../src/settings/reference.js';
import { join } from 'node:path';

it('names every setting with its default and its variable', () => {
  const text = settingsReference();
  expect(text).toContain(
    '| `database.poolSize` | number, 2 to 200 | `20` | `LEASEGATE_DATABASE__POOL_SIZE` |',
  );
  expect(text).toContain('| `database.url` | secret | required | `LEASEGATE_DATABASE__URL` |');
  expect(text).toContain('`issuers[].roles[].claims`');
  expect(text).toContain('| `vault.login.method` | `approle` or `jwt` |');
});

it('describes the file as a JSON Schema, too', () => {
  expect(JSON.parse(settingsJson())).toMatchObject({
    type: 'object',
    required: expect.arrayContaining(['database']) as unknown,
  });
});

it('takes the example', () => {
  const file = join(import.meta.dirname, '../../../config/leasegate.example.yaml');
  const { values } = loadSettings({ file, environment: {} });
  expect(values.issuers.map(({ name }) => name)).toEqual(['cluster', 'github', 'staff']);
});

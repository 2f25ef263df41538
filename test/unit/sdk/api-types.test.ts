import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('are what the OpenAPI document says; if not: node tools/generate-api-types.mjs', async () => {
  const tool = resolve(import.meta.dirname, '../../../tools/generate-api-types.mjs');
  const { stderr } = await promisify(execFile)(process.execPath, [tool, '--check']);
  expect(stderr).toBe('');
});

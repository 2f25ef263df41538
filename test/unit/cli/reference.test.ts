import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/program.js';
import { cliReference } from '../../../src/cli/reference.js';

it('is what the documentation has; if not: npm run build && node tools/generate-cli-help.mjs', () => {
  const { stdin, stdout, stderr } = process;
  const { program } = buildProgram({ stdin, stdout, stderr, environment: {} }, '0.0.0');
  const documented = readFileSync(resolve(import.meta.dirname, '../../../docs/reference/cli.md'), 'utf8');
  expect(documented).toBe(cliReference(program));
});

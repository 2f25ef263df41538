import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { referenceFiles } from '../../../src/api/reference/reference-files.js';
import { programVersion } from '../../../src/version.js';

const FOLDER = join(import.meta.dirname, '../../../docs/reference');

it.each(Object.entries(referenceFiles(programVersion())))(
  'docs/reference/%s is what the source says; if not, run tools/generate-reference.mjs',
  (name, content) => {
    expect(readFileSync(join(FOLDER, name), 'utf8')).toBe(content);
  },
);

#!/usr/bin/env node
// Writes docs/reference/cli.md from the command definitions of the build; with --check it only compares.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const target = resolve(import.meta.dirname, '../docs/reference/cli.md');
const built = new URL('../dist/src/cli/', import.meta.url);
let reference;
try {
  const { buildProgram } = await import(new URL('program.js', built));
  const { cliReference } = await import(new URL('reference.js', built));
  const { stdin, stdout, stderr } = process;
  reference = cliReference(buildProgram({ stdin, stdout, stderr, environment: {} }, '0.0.0').program);
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('There is no build. Run: npm run build');
  process.exit(3);
}

if (process.argv.includes('--check')) {
  let current = '';
  try {
    current = readFileSync(target, 'utf8');
  } catch {
    // A file that is not there is not up to date.
  }
  if (current !== reference) {
    console.error(
      'docs/reference/cli.md is not what the commands say. Run: node tools/generate-cli-help.mjs',
    );
    process.exit(1);
  }
} else {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, reference);
}

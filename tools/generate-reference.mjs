#!/usr/bin/env node
// Writes docs/reference from the compiled program; with --check, fails when what is committed differs.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'docs', 'reference');
const check = process.argv.includes('--check');

execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
});
await import('reflect-metadata');
const { referenceFiles } = await import('../dist/src/api/reference/reference-files.js');
const { programVersion } = await import('../dist/src/version.js');

const stale = [];
for (const [name, content] of Object.entries(referenceFiles(programVersion()))) {
  const path = join(folder, name);
  let before;
  try {
    before = readFileSync(path, 'utf8');
  } catch {
    before = undefined;
  }
  if (before === content) continue;
  stale.push(name);
  if (check) continue;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, content);
}
if (check && stale.length > 0) {
  console.error(`docs/reference is out of date: ${stale.join(', ')}; run node tools/generate-reference.mjs`);
  process.exit(1);
}
console.log(stale.length === 0 ? 'docs/reference is up to date' : `wrote ${stale.join(', ')}`);

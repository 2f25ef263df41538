// Runs a script of package.json from a fresh clone: makes it ready, then does what the name says.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, PrepareError, root, run, runTool } from './prepare.mjs';
import { progressLine } from './report-line.mjs';

/** Programs of the build: each exports `main(words, prepared)` and answers its exit code. */
const PROGRAMS = {
  demo: 'dist/src/dev/demo/main.js',
  bench: 'dist/bench/main.js',
  fault: 'dist/src/dev/fault/main.js',
  drill: 'dist/src/dev/drill/main.js',
  local: 'dist/src/dev/local/main.js',
  'vault:build': 'dist/src/dev/vault-build-main.js',
};

/** What needs the packages, and of these, what needs the build. */
const BUILT_FIRST = ['build', 'docs'];
const TOOLS = {
  build: async () => 0,
  /** References from the build; the types of the SDK from the API description, then the build with these. */
  docs: async (words) => {
    for (const file of ['generate-reference.mjs', 'generate-api-types.mjs', 'generate-cli-help.mjs']) {
      const code = await run(process.execPath, [join(root, 'tools', file), ...words], 'inherit');
      if (code !== 0) return code;
    }
    return 0;
  },
  typecheck: () => runTool('typescript', 'tsc', ['-p', 'tsconfig.json', '--noEmit'], 'inherit'),
  lint: async (words) =>
    (await runTool('eslint', 'eslint', ['.', ...words], 'inherit')) ||
    (await runTool('prettier', 'prettier', ['--check', '.'], 'inherit')),
  format: () => runTool('prettier', 'prettier', ['--write', '.'], 'inherit'),
};

async function main([name, ...words]) {
  const program = PROGRAMS[name];
  const tool = TOOLS[name];
  if (program === undefined && tool === undefined) {
    console.error(`run: there is no script ${name ?? ''}`);
    return 2;
  }
  const progress = progressLine();
  const build = program !== undefined || BUILT_FIRST.includes(name);
  const prepared = await prepare({ report: progress.report, build }).finally(progress.end);
  if (tool !== undefined) return tool(words);
  const file = join(root, program);
  if (!existsSync(file)) {
    console.error(`run: ${name} is not part of this build`);
    return 1;
  }
  const { main: start } = await import(pathToFileURL(file).href);
  return start(words, prepared);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof PrepareError)) throw error;
  console.error(`run: ${error.message}`);
  process.exitCode = 1;
}

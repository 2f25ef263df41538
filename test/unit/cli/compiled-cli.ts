import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(import.meta.dirname, '../../..');

/** The command line as Node runs it. */
export interface CompiledCli {
  /** The program; run it with `process.execPath`. */
  readonly bin: string;
  /** Folder that holds `cli`, `sdk` and `tlog`. */
  readonly source: string;
  remove(): void;
}

/**
 * Compiles `src/cli`, `src/sdk` and `src/tlog` to a folder of its own, file by file, so that tests of the program in a process of
 * its own never run a build that is older than the source.
 */
export function compileCli(): CompiledCli {
  const base = join(ROOT, '.leasegate');
  mkdirSync(base, { recursive: true });
  const folder = mkdtempSync(join(base, 'cli-'));
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  for (const part of ['cli', 'sdk', 'tlog']) {
    for (const name of readdirSync(join(ROOT, 'src', part), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const target = join(folder, 'dist/src', part, name.replace(/\.ts$/, '.js'));
      const text = readFileSync(join(ROOT, 'src', part, name), 'utf8');
      const { outputText } = ts.transpileModule(text, {
        // One file by itself has no package.json to say that it is ESM.
        compilerOptions: { target: options.target ?? ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
        fileName: name,
      });
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, outputText);
    }
  }
  const bin = join(folder, 'bin/leasegate.mjs');
  mkdirSync(dirname(bin));
  writeFileSync(bin, readFileSync(join(ROOT, 'bin/leasegate.mjs')));
  writeFileSync(join(folder, 'package.json'), '{"type":"module","version":"0.0.0-test"}');
  return {
    bin,
    source: join(folder, 'dist/src'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

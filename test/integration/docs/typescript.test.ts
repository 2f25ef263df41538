import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { pages, snippetsOf } from './snippets.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const snippets = pages()
  .flatMap(snippetsOf)
  .filter(({ kind }) => kind === 'ts');

/** What a page leaves to its reader. */
const READERS = 'declare function connect(login: Readonly<Record<string, unknown>>): Promise<void>;';

it('is there', () => expect(snippets.length).toBeGreaterThan(0));

it.each(snippets)('$where compiles against the SDK', { timeout: 240_000 }, ({ text }) => {
  const file = join(ROOT, 'snippet.mts');
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    paths: { leasegate: [join(ROOT, 'src/sdk/index.ts')] },
  };
  const source = `${READERS}\n${text}`;
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    getSourceFile: (name, version) =>
      name === file ? ts.createSourceFile(name, source, version) : disk.getSourceFile(name, version),
    fileExists: (name) => name === file || disk.fileExists(name),
    readFile: (name) => (name === file ? source : disk.readFile(name)),
  };
  const program = ts.createProgram([file], options, host);
  const complaints = ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ messageText, file: at }) =>
        `${at?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
  expect(complaints).toEqual([]);
});

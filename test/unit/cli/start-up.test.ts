import { isBuiltin } from 'node:module';
import { expect, it } from 'vitest';
import { importsOf } from '../../architecture/sources.js';

/** What is read before a command is known, so what every command waits for. */
function eager(entry: string): {
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
} {
  const files = new Set([entry]);
  const packages = new Set<string>();
  for (const file of files) {
    for (const { specifier, target, typeOnly, lazy } of importsOf(file)) {
      if (typeOnly || lazy || isBuiltin(specifier)) continue;
      if (target === undefined) packages.add(specifier);
      else files.add(target);
    }
  }
  return { files, packages };
}

it('reads nothing but commander and its own definitions before it knows the command', () => {
  const { files, packages } = eager('cli/leasegate.ts');
  expect([...packages]).toEqual(['commander']);
  const others = [...files].filter((file) => !/^cli\/(commands\/)?[a-z-]+\.ts$/.test(file));
  expect(others).toEqual(['sdk/leasegate-error.ts']);
});

it('reads no package at all for what workers import', () => {
  expect([...eager('sdk/index.ts').packages]).toEqual([]);
});

it('reads no package but commander for what a worker does from the command line', () => {
  for (const action of ['worker', 'exec', 'operation'])
    expect([...eager(`cli/actions/${action}.ts`).packages]).not.toContain('openid-client');
});

import { expect, it } from 'vitest';
import { folderOf, importsOf, sourceFiles } from './sources.js';

it('answers with views: the API sees no row of a table and no entity', () => {
  const seen = sourceFiles()
    .filter((file) => folderOf(file) === 'api')
    .flatMap(importsOf)
    .filter(({ target }) => target !== undefined && /(\.entity|-rows?)\.ts$/.test(target))
    .map(({ from, specifier }) => `${from} -> ${specifier}`);
  expect(seen).toEqual([]);
});

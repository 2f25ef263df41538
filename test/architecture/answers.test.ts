import { expect, it } from 'vitest';
import { folderOf, importsOf, sourceFiles } from './sources.js';

it('answers with views: the API sees no entity and no database client', () => {
  const seen = sourceFiles()
    .filter((file) => folderOf(file) === 'api')
    .flatMap(importsOf)
    .filter(({ target }) => target !== undefined && target.endsWith('.entity.ts'))
    .map(({ from, specifier }) => `${from} -> ${specifier}`);
  expect(seen).toEqual([]);
});

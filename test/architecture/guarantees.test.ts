import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../src/dev/repository.js';

// A guarantee counts as one when there is a test that tries to break it: what the page names has to be there.

const GUARANTEES = 'docs/guarantees.md';

interface Proof {
  readonly line: string;
  /** Files and folders, from the root of the repository. */
  readonly places: readonly string[];
  /** What it names inside them; `…` stands for what a test's name is put together from. */
  readonly names: readonly { readonly name: string; readonly place: string }[];
}

const rows = read(GUARANTEES)
  .split('\n')
  .map((line, index, lines) => ({ line, before: lines[index - 1] ?? '' }));

describe('each guarantee', () => {
  const guarantees = rows.map(({ line }) => line).filter((line) => line.startsWith('| '));

  it('is in a table that begins with a head', () => {
    const loose = rows.filter(({ line, before }) => line.startsWith('| ') && !before.startsWith('|'));
    expect(new Set(loose.map(({ line }) => line))).toEqual(new Set(['| guarantee | proved by |']));
  });

  it('names a test that is there, and names inside it that are there', () => {
    const proofs = guarantees.filter((line) => line !== '| guarantee | proved by |').map(proofOf);
    expect(proofs.length).toBeGreaterThan(50);
    expect(proofs.filter(({ places }) => places.length === 0).map(({ line }) => line)).toEqual([]);
    expect(proofs.flatMap(({ places }) => places).filter((place) => !there(place))).toEqual([]);
    expect(proofs.flatMap(({ names }) => names).filter(({ name, place }) => !isIn(name, place))).toEqual([]);
  });

  it('of the security page names a test that is there', () => {
    const text = read('SECURITY.md');
    const bullets = text
      .slice(text.indexOf('Each guarantee'), text.indexOf('## Who is trusted'))
      .split('\n- ')
      .slice(1);
    expect(bullets.length).toBeGreaterThan(4);
    const places = bullets.map((bullet) =>
      [...bullet.matchAll(/`(test\/[^`]+)`/g)].map(([, place = '']) => place),
    );
    expect(bullets.filter((_, index) => places[index]?.length === 0)).toEqual([]);
    expect(places.flat().filter((place) => !there(place))).toEqual([]);
  });
});

function proofOf(line: string): Proof {
  const cell = line.slice(line.lastIndexOf(' | '));
  const places: string[] = [];
  const names: { name: string; place: string }[] = [];
  for (const [, quoted = ''] of cell.matchAll(/`([^`]+)`/g)) {
    const last = places.at(-1);
    if (quoted.startsWith('test/')) places.push(quoted);
    // A second file of the same folder goes by its own name.
    else if (quoted.endsWith('.test.ts')) places.push(join(dirname(last ?? ''), quoted));
    else if (!quoted.startsWith('npm run ') && last !== undefined) names.push({ name: quoted, place: last });
  }
  return { line, places, names };
}

function read(path: string): string {
  return readFileSync(join(repositoryRoot(), path), 'utf8');
}

function there(place: string): boolean {
  return existsSync(join(repositoryRoot(), folderOf(place)));
}

/** `test/fault/*` stands for the folder. */
function folderOf(place: string): string {
  return place.replace(/\/\*$/, '');
}

function isIn(name: string, place: string): boolean {
  const text = textOf(folderOf(place));
  return name
    .split('…')
    .map((part) => part.replace(/^[\s:]+|[\s:]+$/g, ''))
    .every((part) => text.includes(part));
}

function textOf(place: string): string {
  if (!statSync(join(repositoryRoot(), place)).isDirectory()) return read(place);
  return readdirSync(join(repositoryRoot(), place), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(join(place, file)))
    .join('\n');
}

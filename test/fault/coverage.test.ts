import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CRASH_POINTS, type CrashPoint } from '../../src/kernel/crash-point.js';
import { repositoryRoot } from '../../src/dev/repository.js';
import { POINT_ACTS } from './point-acts.js';

const KILL = 'test/integration/kill/crash.test.ts';
const EXPORT = 'test/integration/export/crash.test.ts';
const SINK = 'test/integration/sink/crash.test.ts';
const ARCHIVE = 'test/integration/audit/retention/crash.test.ts';
const CALL = 'test/integration/gateway/crash.test.ts';

/** Points that a broker of `points.test.ts` does not come to, each with the test that kills one there. */
const ELSEWHERE: Readonly<Record<Exclude<CrashPoint, keyof typeof POINT_ACTS>, string>> = {
  'revocation.opened': KILL,
  'revocation.marked': KILL,
  'audit.checkpoint.marked': 'test/integration/audit/signing-world.test.ts',
  'export.span-fixed': EXPORT,
  'export.written': EXPORT,
  'export.published': EXPORT,
  'export.moved': EXPORT,
  'sink.delivered': SINK,
  'sink.moved': SINK,
  'sink.letter.refused': SINK,
  'sink.letter.before-commit': SINK,
  'sink.letter.buried': SINK,
  'sink.letter.delivered': SINK,
  'archive.written': ARCHIVE,
  'archive.verified': ARCHIVE,
  'archive.recorded': ARCHIVE,
  'archive.remove.before-commit': ARCHIVE,
  'archive.removed': ARCHIVE,
  'archive.destroy.before-commit': ARCHIVE,
  'archive.destroyed': ARCHIVE,
  'call.decided': CALL,
  'call.started': CALL,
  'call.injected': CALL,
  'call.answered': CALL,
  'call.ended': CALL,
};

const root = repositoryRoot();

/** Every point that the code passes, and how many calls were read; one whose name is no literal is not among them. */
function passed(): { readonly points: ReadonlySet<string>; readonly unread: readonly string[] } {
  const points = new Set<string>();
  const unread: string[] = [];
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file === join('kernel', 'crash-point.ts')) continue;
    const text = readFileSync(join(root, 'src', file), 'utf8');
    for (const [, argument = ''] of text.matchAll(/\bcrashPoint\(([^)]*)\)/g)) {
      const name = /^\s*'([^']+)',?\s*$/.exec(argument)?.[1];
      if (name === undefined) unread.push(`${file}: ${argument}`);
      else points.add(name);
    }
  }
  return { points, unread };
}

describe('every crash point', () => {
  it('is named where the code passes it, and the code passes every one that is named', () => {
    const { points, unread } = passed();
    expect(unread).toEqual([]);
    expect([...points].sort()).toEqual([...CRASH_POINTS].sort());
  });

  it('has a test that kills a broker there', () => {
    const missing = [...passed().points].filter((point) => !(point in POINT_ACTS) && !(point in ELSEWHERE));
    expect(missing).toEqual([]);
  });

  it.each(Object.entries(ELSEWHERE))('%s is killed in %s', (point, file) => {
    const text = readFileSync(join(root, file), 'utf8');
    expect(text).toMatch(new RegExp(`'${point.replaceAll('.', '\\.')}(:kill)?'`));
    expect(text).toMatch(/SIGKILL|:kill|'kill'/);
  });
});

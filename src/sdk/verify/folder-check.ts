import { checkpointOf, type Checkpoint } from '../../tlog/checkpoint.js';
import { CompactRange } from '../../tlog/compact-range.js';
import { parseNote, signersOf, type NoteKey } from '../../tlog/note.js';
import { TILE_WIDTH } from '../../tlog/tile.js';
import type { ExportVerification, VerifyOptions } from './export-verification.js';
import { LIMITS } from './limits.js';
import type { LogFolder } from './log-folder.js';
import { Problems } from './problems.js';
import type { Scanners } from './scanners.js';
import type { TileTask } from './tile-scan.js';
import { TileWalk } from './tile-walk.js';
import { UpperTiles } from './upper-tiles.js';

/** What an answer about nothing says. */
export const NOTHING: Omit<ExportVerification, 'ok' | 'problems' | 'problemCount' | 'limits'> = {
  count: 0,
  firstIndex: null,
  lastIndex: null,
  rootHash: null,
  checkpointSize: null,
  origin: null,
  filtered: false,
  proved: null,
};

/**
 * Verifies a bundle of the log, or the folder that the broker writes it to: that every tile is there and follows from those
 * below it, that the entries are those of the tiles, and that the checkpoint vouches for all of it.
 */
export async function checkFolder(
  folder: LogFolder,
  keys: readonly NoteKey[],
  options: VerifyOptions,
  scanners: Scanners,
): Promise<ExportVerification> {
  const problems = new Problems(options.maxProblems);
  const note = await folder.text('checkpoint');
  const checkpoint = checkpointFrom(note, keys, problems);
  if (checkpoint === undefined) return { ...NOTHING, ...answerOf(problems, [LIMITS.unsigned]) };
  const { expectedHead: expected } = options;
  const range = await rangeOf(folder, checkpoint, problems);
  const tiles = new TileWalk(folder, scanners, problems, options);
  const upper = new UpperTiles(folder, problems);
  const tree = new CompactRange();
  const { size } = checkpoint;
  const span = { ...range, first: 0, end: Math.ceil(size / TILE_WIDTH) };
  await tiles.append(tree, span, (root) => upper.add(root));
  const broken = tiles.missing > 0;
  if (!broken) await upper.finish();
  if (!broken && !tree.root().equals(checkpoint.root))
    problems.foundIn('checkpoint', `the tiles are not those of the checkpoint at size ${size}`);
  if (expected !== undefined && expected.size > checkpoint.size)
    problems.foundIn(
      'checkpoint',
      `the log has ${checkpoint.size} entries, and ${expected.size} were expected`,
    );
  if (expected?.origin !== undefined && expected.origin !== checkpoint.origin)
    problems.foundIn('checkpoint', 'the log is another one than the one that was expected');
  const some = range.to > range.from;
  return {
    ...NOTHING,
    ...answerOf(problems, [
      ...(keys.length > 0 ? [] : [LIMITS.unsigned]),
      ...(range.from > 0 || range.to < range.size ? [LIMITS.part] : []),
      LIMITS.tail,
      LIMITS.offered,
    ]),
    count: tiles.count,
    firstIndex: some ? range.from : null,
    lastIndex: some ? range.to - 1 : null,
    rootHash: broken ? null : tree.root().toString('hex'),
    checkpointSize: keys.length > 0 && problems.count === 0 ? checkpoint.size : null,
    origin: checkpoint.origin,
  };
}

/** A signed checkpoint; undefined, and said, when it is none, or none of the keys signed it. */
export function checkpointFrom(
  note: string | undefined,
  keys: readonly NoteKey[],
  problems: Problems,
): Checkpoint | undefined {
  const parsed = note === undefined ? undefined : parseNote(note);
  const checkpoint = parsed && checkpointOf(parsed.text);
  if (parsed === undefined || checkpoint === undefined) {
    problems.foundIn(
      'checkpoint',
      note === undefined ? 'the checkpoint is missing' : 'the checkpoint cannot be read',
    );
    return undefined;
  }
  if (keys.length > 0 && signersOf(parsed, keys).length === 0)
    problems.foundIn('checkpoint', 'the checkpoint is signed by none of the keys');
  return checkpoint;
}

/** The members of an answer that come from what was found. */
export function answerOf(
  problems: Problems,
  limits: readonly string[],
): Pick<ExportVerification, 'ok' | 'problems' | 'problemCount' | 'limits'> {
  return { ok: problems.count === 0, problems: problems.listed, problemCount: problems.count, limits };
}

/** What `bundle.json` says that there is; without one, everything. */
async function rangeOf(
  folder: LogFolder,
  { origin, size }: Checkpoint,
  problems: Problems,
): Promise<Pick<TileTask, 'size' | 'from' | 'to'>> {
  const text = await folder.text('bundle.json');
  if (text === undefined) return { size, from: 0, to: size };
  try {
    const about = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const { from_index: from, to_index: to } = about;
    if (about['leasegate_bundle'] !== 1 || !isIndex(from) || !isIndex(to) || from > to || to > size)
      problems.foundIn('bundle.json', 'it is not the description of a bundle that this version can read');
    else {
      if (about['origin'] !== origin || about['size'] !== size)
        problems.foundIn('bundle.json', 'it describes another log or size than the checkpoint');
      return { size, from, to };
    }
  } catch {
    problems.foundIn('bundle.json', 'it is not JSON');
  }
  return { size, from: 0, to: size };
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

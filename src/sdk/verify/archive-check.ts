import { CompactRange } from '../../tlog/compact-range.js';
import type { NoteKey } from '../../tlog/note.js';
import { ArchiveWalk } from './archive-walk.js';
import { manifestOf, type ArchiveManifest } from './archive-manifest.js';
import type { VerifyOptions } from './export-verification.js';
import { answerOf, checkpointFrom, NOTHING } from './folder-check.js';
import { LIMITS } from './limits.js';
import type { LogFolder } from './log-folder.js';
import { NO_PART, type PartVerification } from './part-verification.js';
import { Problems } from './problems.js';
import type { Scanners } from './scanners.js';

/**
 * Verifies the archive of a part of the log, as retention writes it: that its tiles lead to the root that its checkpoint
 * vouches for, and that each entry in its files is the one that the tiles have at its place, once.
 */
export async function checkArchive(
  folder: LogFolder,
  keys: readonly NoteKey[],
  options: VerifyOptions,
  scanners: Scanners,
): Promise<PartVerification> {
  const problems = new Problems(options.maxProblems);
  const manifest = manifestOf(await folder.text('manifest.json'));
  if (manifest === undefined) {
    problems.foundIn('manifest.json', 'it is not the manifest of an archive that this version can read');
    return { ...NOTHING, ...NO_PART, ...answerOf(problems, [LIMITS.unsigned]) };
  }
  const { from_index: from, to_index: to } = manifest;
  if (manifest.checkpoint !== null) {
    const checkpoint = checkpointFrom(manifest.checkpoint, keys, problems);
    if (checkpoint?.root.toString('hex') !== manifest.root_hash || checkpoint.origin !== manifest.origin)
      problems.foundIn(
        'manifest.json',
        'the checkpoint vouches for another root or log than the manifest names',
      );
  } else if (keys.length > 0) problems.foundIn('manifest.json', 'there is no signed checkpoint to verify');
  const walk = new ArchiveWalk(folder, manifest, scanners, problems, options);
  const roots = await checkRoot(walk, manifest, problems);
  return {
    ...NOTHING,
    ...answerOf(problems, [
      ...(keys.length > 0 ? [] : [LIMITS.unsigned]),
      ...(walk.count < to - from ? [LIMITS.retained] : []),
      LIMITS.range,
      LIMITS.tail,
    ]),
    count: walk.count,
    firstIndex: from,
    lastIndex: to - 1,
    rootHash: manifest.root_hash,
    checkpointSize: keys.length > 0 && problems.count === 0 ? manifest.size : null,
    origin: manifest.origin,
    span: { from, to },
    ...roots,
    compared: walk.compared,
  };
}

/** Goes through the part, and compares its tiles with the root that the manifest names. Answers the roots at its ends. */
async function checkRoot(
  walk: ArchiveWalk,
  { from_index: from, to_index: to, size, left, right, root_hash: root }: ArchiveManifest,
  problems: Problems,
): Promise<Pick<PartVerification, 'rootBefore' | 'rootAfter'>> {
  const range = rangeOf(0, from, left);
  const rootBefore = range?.root().toString('hex');
  await walk.append(range ?? new CompactRange(from));
  const rest = rangeOf(to, size, right);
  if (range === undefined || rest === undefined) {
    problems.foundIn('manifest.json', 'it has other hashes than lead from the part to the root');
    return { rootBefore: undefined, rootAfter: undefined };
  }
  if (walk.missing > 0) return { rootBefore, rootAfter: undefined };
  const rootAfter = range.root().toString('hex');
  range.join(rest);
  if (range.root().toString('hex') !== root)
    problems.foundIn('manifest.json', 'the tiles do not lead to the root that the manifest names');
  return { rootBefore, rootAfter };
}

function rangeOf(begin: number, end: number, hex: readonly string[]): CompactRange | undefined {
  try {
    return CompactRange.of(
      begin,
      end,
      hex.map((hash) => Buffer.from(hash, 'hex')),
    );
  } catch {
    return undefined;
  }
}

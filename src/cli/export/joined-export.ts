import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { endOf, entryOf, headerOf, type Header } from '../../sdk/verify/export-lines.js';
import { CliError } from '../cli-error.js';
import { membersIn, type PartialExport } from './partial-export.js';

const LINE_FEED = 0x0a;

/**
 * One export out of its beginning in a file and a later export of the rest, after a check that both are of one log: the hashes
 * that stand for the entries before the second one have to be those of the first. A filtered one has no such hashes; there
 * the rest begins with the last entry once more, which has to be the same.
 *
 * Throws `export_joint` where they do not fit, and `export_cut` where the rest does not end.
 */
export async function* joinedExport(
  path: string,
  partial: PartialExport,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void, void> {
  const content = createHash('sha256');
  const piece = createHash('sha256');
  const lines = heldBack(rest);
  const first = await lines.next();
  const header = first.done === true ? undefined : headerOf(membersIn(first.value.subarray(0, -1)));
  if (first.done === true || header === undefined) throw cut();
  checkJoint(partial, header);
  piece.update(first.value);
  const { header: before, headerBytes, wholeBytes } = partial;
  const written = { leasegate_export: 2, ...header, from_index: before.from_index, left: before.left };
  const top = Buffer.from(`${JSON.stringify(written)}\n`);
  content.update(top);
  yield top;
  for await (const kept of createReadStream(path, { start: headerBytes, end: wholeBytes - 1 })) {
    content.update(kept as Buffer);
    yield kept as Buffer;
  }
  let [repeated, held]: [boolean, Buffer | undefined] = [!before.filtered, undefined];
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    if (held !== undefined) {
      piece.update(held);
      const fresh = repeated ? held : withoutRepeated(held, partial);
      repeated = true;
      content.update(fresh);
      yield fresh;
    }
    held = next.value;
  }
  if (!repeated) throw notRepeated(partial);
  const end = held && endOf(membersIn(held.subarray(0, -1)));
  if (end === undefined || end.content_hash !== piece.digest('hex')) throw cut();
  const again = before.filtered ? 1 : 0;
  const { root_hash, right } = end;
  const count = partial.count + end.count - again;
  yield Buffer.from(`${JSON.stringify({ count, root_hash, right, content_hash: content.digest('hex') })}\n`);
}

function checkJoint({ header, left, last }: PartialExport, rest: Header): void {
  const same = header.origin === rest.origin && header.filtered === rest.filtered;
  const fits = header.filtered
    ? rest.from_index === last
    : rest.from_index === last + 1 && rest.left.join() === left.join();
  if (!same || !fits)
    throw unfit('the log up to there is another one now, or it was asked for in another way');
}

/** The lines behind the one that repeats the last entry. */
function withoutRepeated(lines: Buffer, partial: PartialExport): Buffer {
  const end = lines.indexOf(LINE_FEED);
  const entry = entryOf(membersIn(lines.subarray(0, end)));
  if (entry?.index !== partial.last || entry.leaf !== partial.lastLeaf) throw notRepeated(partial);
  return lines.subarray(end + 1);
}

/** The first line, then many lines at a time, and the last line by itself; a line without its end is left out. */
async function* heldBack(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  let waiting: Buffer = Buffer.alloc(0);
  let started = false;
  for await (const piece of pieces) {
    waiting = Buffer.concat([waiting, piece]);
    if (!started) {
      const end = waiting.indexOf(LINE_FEED) + 1;
      if (end === 0) continue;
      yield waiting.subarray(0, end);
      waiting = waiting.subarray(end);
      started = true;
    }
    const last = waiting.lastIndexOf(LINE_FEED);
    const before = last <= 0 ? -1 : waiting.lastIndexOf(LINE_FEED, last - 1);
    if (before === -1) continue;
    yield waiting.subarray(0, before + 1);
    waiting = waiting.subarray(before + 1);
  }
  const last = waiting.lastIndexOf(LINE_FEED);
  if (last !== -1) yield waiting.subarray(0, last + 1);
}

function notRepeated({ last }: PartialExport): CliError {
  return unfit(`entry ${last}, where it goes on, is another one or was not asked for`);
}

function unfit(why: string): CliError {
  return new CliError('export_joint', `The export cannot go on where it was cut off: ${why}.`, {
    next: 'Give the same filters, or export anew to another file.',
  });
}

function cut(): CliError {
  return new CliError('export_cut', 'The export was cut off again.', {
    next: 'Run the same command once more.',
  });
}

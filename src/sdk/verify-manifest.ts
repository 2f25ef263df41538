import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { keyOfLine, type NoteKey } from '../tlog/note.js';
import type { ExportProblem } from './verify/export-verification.js';
import {
  eventProblem,
  exportEventOf,
  formLimit,
  UNPROVED_MANIFEST,
  type ProvedEvent,
} from './verify/manifest-event.js';
import { ProofCheck } from './verify/proof-check.js';

/** What {@link verifyManifest} found. */
export interface ManifestVerification {
  /** The form of the file, as the log says; undefined where the manifest cannot be read. */
  readonly format: string | undefined;
  readonly problems: readonly ExportProblem[];
  readonly limits: readonly string[];
}

/**
 * Verifies that a file is, byte for byte, the export that an event of the log describes, and with keys that the event is in
 * the log. That holds for files of any form, also for those that carry no hashes of their own.
 */
export async function verifyManifest(
  path: string,
  manifest: string,
  keys: readonly string[],
): Promise<ManifestVerification> {
  const known = keys.map(keyOfLine).filter((key): key is NoteKey => key !== undefined);
  const problems: ExportProblem[] = [];
  const limits: string[] = [];
  const found = (problem: string): void => void problems.push({ line: 0, file: manifest, problem });
  const event = eventIn(await readFile(manifest, 'utf8'));
  if (event === undefined) {
    found('it is not the manifest of an export');
    return { format: undefined, problems, limits };
  }
  const { sha256, bytes, format } = event.facts;
  const hash = createHash('sha256');
  const source = createReadStream(path);
  await pipeline(source, hash);
  if (source.bytesRead !== bytes)
    found(`the export had ${bytes} bytes, and the file has ${source.bytesRead}`);
  if (hash.digest('hex') !== sha256)
    found('the file is not the export of this manifest: its SHA-256 is another one');
  if (event.proof === null) limits.push(UNPROVED_MANIFEST);
  const problem = eventProblem(event, new ProofCheck(known));
  if (problem !== undefined) found(problem);
  if (format !== 'jsonl') limits.push(formLimit(format));
  return { format, problems, limits };
}

function eventIn(text: string): ProvedEvent | undefined {
  try {
    return exportEventOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

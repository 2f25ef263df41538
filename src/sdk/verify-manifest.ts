import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { keyOfLine, type NoteKey } from '../tlog/note.js';
import { leafHash } from '../tlog/hash.js';
import type { ExportProblem } from './verify/export-verification.js';
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
  const read = manifestOf(await readFile(manifest, 'utf8'));
  if (read === undefined) {
    found('it is not the manifest of an export');
    return { format: undefined, problems, limits };
  }
  const { index, leaf, proof, sha256, bytes, format } = read;
  const hash = createHash('sha256');
  const source = createReadStream(path);
  await pipeline(source, hash);
  if (source.bytesRead !== bytes)
    found(`the export had ${bytes} bytes, and the file has ${source.bytesRead}`);
  if (hash.digest('hex') !== sha256)
    found('the file is not the export of this manifest: its SHA-256 is another one');
  if (proof === null)
    limits.push('The manifest has no proof; nothing but its own word says that it is of the log.');
  else {
    const problem = new ProofCheck(known).problemOf(proof, { index, hash: leafHash(Buffer.from(leaf)) });
    if (problem !== undefined) found(problem);
  }
  if (format !== 'jsonl')
    limits.push(
      `A file of the form ${format} carries no hashes of its entries; it is the one that was made, as a whole.`,
    );
  return { format, problems, limits };
}

interface Manifest {
  readonly index: number;
  readonly leaf: string;
  readonly proof: string | null;
  readonly sha256: string;
  readonly bytes: number;
  readonly format: string;
}

function manifestOf(text: string): Manifest | undefined {
  try {
    const { index, leaf, proof } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof leaf !== 'string' || typeof index !== 'number') return undefined;
    if (proof !== null && typeof proof !== 'string') return undefined;
    const { kind, data } = JSON.parse(leaf) as { kind: unknown; data: Readonly<Record<string, unknown>> };
    const { sha256, bytes, format } = data;
    return kind === 'audit.export_finished' &&
      typeof sha256 === 'string' &&
      typeof bytes === 'number' &&
      typeof format === 'string'
      ? { index, leaf, proof, sha256, bytes, format }
      : undefined;
  } catch {
    return undefined;
  }
}

import { leafHash } from '../../tlog/hash.js';
import { isCanonical, type Entry, type Header } from './export-lines.js';
import type { ProofCheck } from './proof-check.js';

/** What an entry by itself shows: its leaf, its hash, and its proof where it has one. Whether it was proved. */
export function checkEntry(
  { index, leaf, leaf_hash: hash, proof }: Entry,
  header: Pick<Header, 'filtered' | 'origin'> | undefined,
  proofs: ProofCheck,
  found: (problem: string) => void,
): boolean {
  if (leafHash(Buffer.from(leaf, 'utf8')).toString('hex') !== hash)
    found('the leaf was changed: its hash is another one');
  if (!isCanonical(leaf)) found('the leaf is not canonical JSON (RFC 8785)');
  if (proof === undefined) return false;
  if (header?.filtered !== true) {
    found('the entry has a proof, and the export is not filtered');
    return false;
  }
  if (proof === null) return false;
  const problem = proofs.problemOf(proof, { index, hash: Buffer.from(hash, 'hex'), origin: header.origin });
  if (problem !== undefined) found(problem);
  return problem === undefined;
}

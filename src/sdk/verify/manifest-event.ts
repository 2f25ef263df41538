import { leafHash } from '../../tlog/hash.js';
import type { ProofCheck } from './proof-check.js';

/** What the event `audit.export_finished` says of an export. */
export type ExportFacts = Readonly<Record<string, unknown>> & {
  readonly sha256: string;
  readonly bytes: number;
  readonly format: string;
};

/** An event of a log, with the proof that it is in it. */
export interface ProvedEvent {
  readonly index: number;
  readonly leaf: string;
  readonly proof: string | null;
  readonly facts: ExportFacts;
}

/** The event that a value is; undefined when it is not that of a finished export. */
export function exportEventOf(value: unknown): ProvedEvent | undefined {
  try {
    const { index, leaf, proof } = value as Readonly<Record<string, unknown>>;
    if (typeof leaf !== 'string' || typeof index !== 'number') return undefined;
    if (proof !== null && typeof proof !== 'string') return undefined;
    const { kind, data } = JSON.parse(leaf) as { kind: unknown; data: Readonly<Record<string, unknown>> };
    const { sha256, bytes, format } = data;
    return kind === 'audit.export_finished' &&
      typeof sha256 === 'string' &&
      typeof bytes === 'number' &&
      typeof format === 'string'
      ? { index, leaf, proof, facts: { ...data, sha256, bytes, format } }
      : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with the proof of an event; undefined when nothing is, or there is none. */
export function eventProblem(
  { index, leaf, proof }: ProvedEvent,
  proofs: ProofCheck,
  origin?: string,
): string | undefined {
  if (proof === null) return undefined;
  return proofs.problemOf(proof, { index, hash: leafHash(Buffer.from(leaf, 'utf8')), origin });
}

/** What files of a form without hashes do not prove. */
export function formLimit(format: string): string {
  return `A file of the form ${format} carries no hashes of its entries; it is the one that was made, as a whole.`;
}

/** Said of a manifest without a proof. */
export const UNPROVED_MANIFEST =
  'The manifest has no proof; nothing but its own word says that it is of the log.';

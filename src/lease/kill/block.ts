import type { Tx } from '../../database/transaction.js';
import type { KillSelector } from './revocation.js';

/** Whom or what nothing is leased to or from for now. */
export type BlockTarget =
  | { readonly kind: 'workload'; readonly issuer: string; readonly subject: string }
  | { readonly kind: 'issuer'; readonly issuer: string }
  | { readonly kind: 'target'; readonly mount: string };

export const BLOCK_KINDS = ['workload', 'issuer', 'target'] as const;

/** A block; it stands until it is lifted, or until its time is up. */
export interface Block {
  readonly id: string;
  readonly target: BlockTarget;
  /** Of a target: the credentials that it disabled, and that lifting it enables. */
  readonly credentials: readonly string[];
  readonly reason: string;
  readonly until: Date | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly liftedAt: Date | null;
  readonly liftedBy: string | null;
}

/** The leases that a block ends. */
export function selectorOf(target: BlockTarget): KillSelector {
  if (target.kind === 'target') return { mount: target.mount };
  const { issuer } = target;
  return target.kind === 'issuer' ? { issuer } : { issuer, subject: target.subject };
}

interface BlockRow {
  readonly id: string;
  readonly kind: BlockTarget['kind'];
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly mount: string | null;
  readonly credentials: readonly string[];
  readonly reason: string;
  readonly until: Date | null;
  readonly created_at: Date;
  readonly created_by: string;
  readonly lifted_at: Date | null;
  readonly lifted_by: string | null;
}

/** Blocks that the rest of a statement selects, over `b`. */
export async function selectBlocks(tx: Tx, rest: string, values: readonly unknown[]): Promise<Block[]> {
  const rows = await tx.query<BlockRow[]>(`SELECT b.* FROM blocks b ${rest}`, [...values]);
  return rows.map((row) => ({
    id: row.id,
    target: targetOf(row),
    credentials: row.credentials,
    reason: row.reason,
    until: row.until,
    createdAt: row.created_at,
    createdBy: row.created_by,
    liftedAt: row.lifted_at,
    liftedBy: row.lifted_by,
  }));
}

/** Writes a new block. */
export async function insertBlock(tx: Tx, block: Block): Promise<void> {
  await tx.query(
    `INSERT INTO blocks (id, kind, issuer, subject, mount, credentials, reason, until, created_at, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      block.id,
      block.target.kind,
      ...columnsOf(block.target),
      block.credentials,
      block.reason,
      block.until,
      block.createdAt,
      block.createdBy,
    ],
  );
}

/** Issuer, subject and mount of a target, as the table and `hold_block` take them. */
export function columnsOf(target: BlockTarget): readonly (string | null)[] {
  return [
    target.kind === 'target' ? null : target.issuer,
    target.kind === 'workload' ? target.subject : null,
    target.kind === 'target' ? target.mount : null,
  ];
}

function targetOf({ kind, issuer, subject, mount }: BlockRow): BlockTarget {
  switch (kind) {
    case 'workload':
      return { kind, issuer: issuer ?? '', subject: subject ?? '' };
    case 'issuer':
      return { kind, issuer: issuer ?? '' };
    case 'target':
      return { kind, mount: mount ?? '' };
  }
}

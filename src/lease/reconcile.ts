import { Injectable } from '@nestjs/common';
import { RevocationHold } from './hold.js';
import { IssuingReconciliation } from './reconcile-issuing.js';
import { LostLeases } from './reconcile-lost.js';
import { UnknownLeases } from './reconcile-unknown.js';

/** Rows that are looked at in one go. */
const BATCH = 500;
const NEVER = new AbortController().signal;

/** Compares what the database says with what Vault says, both ways. Does nothing while revocation is held. */
@Injectable()
export class Reconcile {
  constructor(
    private readonly hold: RevocationHold,
    private readonly issuingRows: IssuingReconciliation,
    private readonly lost: LostLeases,
    private readonly unknown: UnknownLeases,
  ) {}

  /** Rows that a crash left `issuing`; answers how many became `orphaned`. */
  async issuing(): Promise<{ readonly orphaned: number }> {
    return { orphaned: (await this.hold.held()) ? 0 : await this.issuingRows.run(BATCH) };
  }

  /** Active rows that Vault does not know, and leases of Vault that no row knows. */
  async vault(signal: AbortSignal = NEVER): Promise<{ readonly lost: number; readonly unknown: number }> {
    if (await this.hold.held()) return { lost: 0, unknown: 0 };
    const lost = await this.lost.run(BATCH, signal);
    return { lost, unknown: await this.unknown.run(signal) };
  }
}

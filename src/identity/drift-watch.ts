import { Injectable } from '@nestjs/common';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';
import { AuditInbox } from '../audit/audit-inbox.js';
import { presetDrift } from './presets.js';

const EVERY_MS = 3_600_000;

/**
 * Notices when an issuer's tokens stop to look as its preset says: a platform that changed its claims, or a preset
 * that was configured wrongly. Records `issuer.preset_drift` at most once per issuer and hour in each replica.
 */
@Injectable()
export class DriftWatch {
  readonly #quietUntilMs = new Map<string, number>();

  constructor(
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Looks at the claims of a verified token. */
  async look(issuer: IssuerSettings, claims: Readonly<Record<string, unknown>>): Promise<void> {
    const missing = presetDrift(issuer.preset, claims);
    const nowMs = this.clock.monotonicMs();
    if (missing.length === 0 || (this.#quietUntilMs.get(issuer.name) ?? -Infinity) > nowMs) return;
    // Before the write, so that requests at the same time do not record it twice.
    this.#quietUntilMs.set(issuer.name, nowMs + EVERY_MS);
    try {
      await this.audit.record(
        'issuer.preset_drift',
        { caller: systemCaller('identity', this.ids.uuid()) },
        { issuer: issuer.name, preset: issuer.preset, missing },
      );
    } catch (error) {
      this.#quietUntilMs.delete(issuer.name);
      throw error;
    }
  }
}

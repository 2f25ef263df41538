import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { BrokerError } from '../../kernel/broker-error.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { Settings } from '../../settings/schema.js';
import { AuditInbox } from '../audit-inbox.js';
import { AuditQuery } from '../audit-query.js';
import { SequencerLoop } from '../sequencer-loop.js';
import { CheckpointWriter } from './checkpoint-writer.js';
import { Checkpoints } from './checkpoints.js';
import { LogSetBack } from './set-back.js';

const INTERVAL = 'audit.checkpoint';
const THIN_EVERY_MS = 3_600_000;
const THIN_AT_ONCE = 20_000;

/** How the log and its signing go; for readiness. */
export interface SigningState {
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * Signs the log every `audit.log.checkpointIntervalMs` in a process with the role `sequencer`. Whatever fails, events go
 * on being sequenced: once per outage it is logged and recorded as `log.signing_failed` or `log.set_back`, which the
 * alert rules know, and readiness says it.
 */
@Injectable()
export class CheckpointLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #working: Promise<void> | undefined;
  #failing: string | undefined;
  #thinAtMs = 0;

  constructor(
    private readonly settings: Settings,
    private readonly log: Log,
    private readonly ids: Ids,
    private readonly registry: SchedulerRegistry,
    private readonly inbox: AuditInbox,
    private readonly query: AuditQuery,
    private readonly writer: CheckpointWriter,
    private readonly checkpoints: Checkpoints,
    private readonly clock: Clock,
    private readonly sequencing: SequencerLoop,
  ) {}

  onApplicationBootstrap(): void {
    const { roles, audit } = this.settings.values;
    if (!roles.includes('sequencer') || !this.writer.on) return;
    const every = setInterval(() => void this.tick(), audit.log.checkpointIntervalMs);
    this.registry.addInterval(INTERVAL, every);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (!this.registry.doesExist('interval', INTERVAL)) return;
    this.registry.deleteInterval(INTERVAL);
    await this.#working;
  }

  state(): SigningState {
    const { damage } = this.sequencing;
    if (damage !== undefined) return { ok: false, detail: damage };
    if (!this.writer.on) return { ok: true, detail: 'not signed: audit.log.signing is not set' };
    return this.#failing === undefined
      ? { ok: true, detail: 'signed' }
      : { ok: false, detail: this.#failing };
  }

  /** Signs once. Ticks never overlap; a failure is recorded, not thrown. */
  tick(): Promise<void> {
    this.#working ??= this.#write().finally(() => (this.#working = undefined));
    return this.#working;
  }

  async #write(): Promise<void> {
    try {
      const signed = await this.writer.write();
      await this.#thin();
      if (signed === undefined || this.#failing === undefined) return;
      this.#failing = undefined;
      await this.inbox.record(
        'log.signing_resumed',
        { caller: systemCaller('log', this.ids.uuid()) },
        { size: signed.size },
      );
    } catch (error) {
      const before = this.#failing;
      this.#failing = error instanceof LogSetBack ? error.message : reasonOf(error);
      if (before === undefined) await this.#tell(error).catch(() => undefined);
    }
  }

  /** Any number of replicas may do so at once. */
  async #thin(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.#thinAtMs) return;
    this.#thinAtMs = nowMs + THIN_EVERY_MS;
    await this.checkpoints.thin(THIN_AT_ONCE);
  }

  async #tell(error: unknown): Promise<void> {
    this.log.error(safeErrorFields(error), 'the log could not be signed; events go on being sequenced');
    const caller = systemCaller('log', this.ids.uuid());
    if (error instanceof LogSetBack) {
      const data = { detail: error.message, size: error.size, signed_size: error.signedSize };
      await this.inbox.record('log.set_back', { caller, outcome: 'failure' }, data);
      return;
    }
    const { size } = await this.query.head();
    await this.inbox.record(
      'log.signing_failed',
      { caller, outcome: 'failure' },
      { reason: reasonOf(error), size },
    );
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof BrokerError) return error.internal ?? error.title;
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 500) : 'unknown';
}

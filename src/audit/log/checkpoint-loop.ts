import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { BrokerError } from '../../kernel/broker-error.js';
import { systemCaller } from '../../kernel/caller.js';
import { Ids } from '../../kernel/ids.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { Settings } from '../../settings/schema.js';
import { AuditInbox } from '../audit-inbox.js';
import { AuditQuery } from '../audit-query.js';
import { CheckpointWriter, LogSetBack } from './checkpoint-writer.js';

const INTERVAL = 'audit.checkpoint';

/** How signing goes; for readiness. */
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

  constructor(
    private readonly settings: Settings,
    private readonly log: Log,
    private readonly ids: Ids,
    private readonly registry: SchedulerRegistry,
    private readonly inbox: AuditInbox,
    private readonly query: AuditQuery,
    private readonly writer: CheckpointWriter,
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

  async #tell(error: unknown): Promise<void> {
    this.log.error(safeErrorFields(error), 'the log could not be signed; events go on being sequenced');
    const caller = systemCaller('log', this.ids.uuid());
    if (error instanceof LogSetBack) {
      const data = { detail: error.message, size: error.size, signed_size: error.mark.size };
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

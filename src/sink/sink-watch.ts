import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import { LetterRows } from './letter-rows.js';
import { SinkDatabase } from './sink-database.js';
import { SinkStates, type SinkState } from './sink-states.js';

const DAY_MS = 86_400_000;
const LETTERS_A_RUN = 1_000;

/** Says in the log when a sink falls behind and when it has caught up, once each; alert rules go by that. */
@Injectable()
export class SinkWatch {
  constructor(
    private readonly settings: Settings,
    private readonly states: SinkStates,
    private readonly letters: LetterRows,
    private readonly database: SinkDatabase,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Looks once; answers how many sinks changed and letters were dropped. */
  async look(): Promise<number> {
    const { lagAlertSeconds, deliveredLettersDays } = this.settings.values.sinks;
    let worked = 0;
    for (const state of await this.states.all()) {
      // One that the settings do not have any more is nobody's wish.
      const behind = state.configured && state.lagSeconds > lagAlertSeconds;
      if (behind !== (state.laggingSince !== null) && (await this.tell(state, behind))) worked += 1;
    }
    const before = new Date(this.clock.now().getTime() - deliveredLettersDays * DAY_MS);
    return worked + (await this.letters.dropDelivered(before, LETTERS_A_RUN));
  }

  private tell(state: SinkState, behind: boolean): Promise<boolean> {
    const caller = systemCaller('sinks', this.ids.uuid());
    const { name: sink } = state;
    return this.database.run(async (tx) => {
      const [rows] = await tx.query<[unknown[], number]>(
        'UPDATE sinks SET lagging_since = $2 WHERE name = $1 AND (lagging_since IS NULL) = $3 RETURNING 1',
        [sink, behind ? this.clock.now() : null, behind],
      );
      if (rows.length === 0) return false;
      if (!behind) await this.audit.append(tx, 'sink.caught_up', { caller }, { sink });
      else
        await this.audit.append(
          tx,
          'sink.lagging',
          { caller, outcome: 'failure' },
          {
            sink,
            lag_seconds: Math.round(state.lagSeconds),
            lag_events: state.lagEvents,
            detail: state.lastError ?? undefined,
          },
        );
      return true;
    });
  }
}

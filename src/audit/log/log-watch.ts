import { Injectable } from '@nestjs/common';
import { systemCaller } from '../../kernel/caller.js';
import { Ids } from '../../kernel/ids.js';
import { AuditInbox } from '../audit-inbox.js';
import { AuditQuery } from '../audit-query.js';
import { LogCheck } from './log-check.js';

/** Goes round the log in the database, a tile at a time, and says what is not as it was written. */
@Injectable()
export class LogWatch {
  readonly #told = new Set<string>();
  #next = 0;
  #stepping: Promise<void> | undefined;

  constructor(
    private readonly check: LogCheck,
    private readonly inbox: AuditInbox,
    private readonly query: AuditQuery,
    private readonly ids: Ids,
  ) {}

  /** One tile, and never two at once; records `log.damaged` once for each in which something is found. */
  step(): Promise<void> {
    this.#stepping ??= this.#step().finally(() => (this.#stepping = undefined));
    return this.#stepping;
  }

  async #step(): Promise<void> {
    const n = this.#next;
    const findings = await this.check.tile(n);
    this.#next = findings === undefined ? 0 : n + 1;
    const [first] = findings ?? [];
    if (first !== undefined && findings !== undefined)
      await this.#tell(n, first.index, first.problem, findings.length);
  }

  async #tell(n: number, index: number, problem: string, count: number): Promise<void> {
    const others = count > 1 ? `, and ${count - 1} more of tile ${n}` : '';
    const detail = `entry ${index}: ${problem}${others}`;
    if (this.#told.has(detail) || this.#told.size > 1_000) return;
    this.#told.add(detail);
    const { size } = await this.query.head();
    const caller = systemCaller('log', this.ids.uuid());
    await this.inbox.record('log.damaged', { caller, outcome: 'failure' }, { detail, size });
  }
}

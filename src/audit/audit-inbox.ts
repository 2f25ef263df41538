import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import type { Actor } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { canonicalJson } from './canonical-json.js';
import { EVENT_KINDS, type EventData, type EventKind } from './catalogue.js';
import type { EventContext } from './event.js';
import type { Fields, JsonValue } from './field-class.js';

const MAX_LEAF_BYTES = 65_535;

/**
 * Takes events inside business transactions. An event that cannot be written throws, and takes the change that it
 * records down with it: what is not recorded did not happen.
 */
@Injectable()
export class AuditInbox {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly transactions: Transactions,
  ) {}

  /** Appends one event to the open transaction; answers its id. */
  async append<K extends EventKind>(
    tx: Tx,
    kind: K,
    context: EventContext,
    data: EventData<K>,
  ): Promise<string> {
    const id = this.ids.uuid();
    const leaf = this.leaf(id, kind, context, data);
    await tx.query('INSERT INTO audit_inbox (event_id, leaf) VALUES ($1, $2)', [id, leaf]);
    return id;
  }

  /** Records a refusal or something observed, which changes nothing else, in a transaction of its own. */
  record<K extends EventKind>(kind: K, context: EventContext, data: EventData<K>): Promise<string> {
    return this.append(this.transactions.reads, kind, context, data);
  }

  /** The exact bytes of an event (RFC 8785), for statements that insert it together with the change it records. */
  leaf(
    id: string,
    kind: EventKind,
    context: EventContext,
    data: Readonly<Record<string, JsonValue | undefined>>,
  ): Buffer {
    const { caller, workload, run, stepId, grant, leaseId, credential, tool } = context;
    const text = canonicalJson({
      v: 1,
      id,
      time: this.clock.now().toISOString(),
      nonce: this.ids.bytes(16).toString('hex'),
      kind,
      outcome: context.outcome ?? 'success',
      code: context.code,
      request_id: caller.requestId,
      actor: actorOf(caller.actor),
      workload,
      run: run && { ref: run.ref, run_id: run.runId },
      step_id: stepId,
      grant: grant && { id: grant.id, name: grant.name, version: grant.version },
      lease_id: leaseId,
      credential,
      tool: tool && { name: tool.name, version: tool.version },
      data: this.classified(kind, data),
    });
    const leaf = Buffer.from(text, 'utf8');
    if (leaf.length > MAX_LEAF_BYTES)
      throw new Error(`event ${kind} has ${leaf.length} bytes, more than a leaf may`);
    return leaf;
  }

  /** The HMAC under which a sensitive identifier stands in events; for queries by value. */
  hmac(value: string): string {
    return createHmac('sha256', this.settings.values.audit.hmacKey.expose()).update(value).digest('hex');
  }

  private classified(
    kind: EventKind,
    data: Readonly<Record<string, JsonValue | undefined>>,
  ): Record<string, JsonValue> {
    if (!Object.hasOwn(EVENT_KINDS, kind))
      throw new Error('an event of a kind that the catalogue does not have');
    const fields: Fields = EVENT_KINDS[kind];
    const result: Record<string, JsonValue> = {};
    for (const [name, value] of Object.entries(data)) {
      if (value === undefined) continue;
      // Own fields only: a field called `constructor` would find one on the prototype.
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (field === undefined) throw new Error(`event ${kind} has no field ${name}`);
      result[name] =
        field.class === 'sensitive'
          ? this.hmac(typeof value === 'string' ? value : JSON.stringify(value))
          : value;
    }
    return result;
  }
}

function actorOf(actor: Actor): JsonValue {
  return actor.type === 'admin'
    ? { type: actor.type, issuer: actor.issuer, subject: actor.subject, roles: actor.roles }
    : { ...actor };
}

import { columnsOfEvent, readEvent, type EventColumns } from '../audit/stored-event.js';
import type { ExportedEntry, ExportScope, ExportWriter } from './export-format.js';
import { OCSF_CLASSES, ocsfMapping, type OcsfMapping } from './ocsf-classes.js';

type Members = Readonly<Record<string, unknown>>;

const SEVERITY = { informational: 1, medium: 3, high: 4 } as const;
const STATUS = { success: 1, failure: 2 } as const;
const PRODUCT = { name: 'Leasegate', vendor_name: 'Leasegate' };

/**
 * OCSF 1.8, a JSON object a line. It proves nothing: `metadata.sequence` and `unmapped.leaf_hash` find the entry in the
 * JSON Lines form. What OCSF has no place for stands under `unmapped` in our own names.
 */
export class OcsfWriter implements ExportWriter {
  #origin = '';

  begin(scope: ExportScope): string {
    this.#origin = scope.head.origin;
    return '';
  }

  entries(batch: readonly ExportedEntry[]): string {
    return batch.map((entry) => `${JSON.stringify(ocsfEvent(entry, this.#origin))}\n`).join('');
  }

  end(): string {
    return '';
  }
}

/** An entry as an event of OCSF 1.8; `origin` is that of its log. */
export function ocsfEvent(entry: ExportedEntry, origin: string): Members {
  const event = readEvent(entry.leaf) ?? {};
  const columns = columnsOfEvent(event);
  const mapping = ocsfMapping(columns.kind);
  const numbers = OCSF_CLASSES[mapping.of];
  return defined({
    class_uid: numbers.class,
    category_uid: numbers.category,
    activity_id: mapping.activity,
    type_uid: numbers.class * 100 + mapping.activity,
    time: columns.occurredAt === undefined ? 0 : Date.parse(columns.occurredAt),
    severity_id: severityOf(columns, mapping),
    ...(mapping.of !== 'finding' && {
      status_id: columns.outcome === 'success' ? STATUS.success : STATUS.failure,
    }),
    status_code: columns.code ?? undefined,
    message: columns.kind,
    metadata: defined({
      version: '1.8.0',
      product: PRODUCT,
      uid: event['id'],
      sequence: entry.index,
      log_name: origin,
      event_code: columns.kind,
      correlation_uid: columns.runRef ?? columns.requestId ?? undefined,
    }),
    ...particulars(mapping, event, columns, entry),
    unmapped: defined({
      run: event['run'],
      step_id: event['step_id'],
      grant: event['grant'],
      lease_id: event['lease_id'],
      credential: event['credential'],
      tool: event['tool'],
      workload: event['workload'],
      request_id: event['request_id'],
      data: event['data'],
      leaf_hash: entry.leafHash.toString('hex'),
    }),
  });
}

function particulars(
  { of, entity }: OcsfMapping,
  event: Members,
  columns: EventColumns,
  entry: ExportedEntry,
): Members {
  switch (of) {
    case 'authentication':
      return {
        user: userOf(
          columns.workloadSubject ?? columns.actorSubject,
          columns.workloadIssuer ?? columns.actorIssuer,
        ),
        service: { name: 'leasegate' },
      };
    case 'entity':
      return { actor: actorOf(columns), entity: entityOf(entity ?? 'thing', columns, event) };
    case 'api':
      return {
        actor: actorOf(columns),
        api: { operation: columns.kind, service: { name: columns.tool ?? 'leasegate' } },
        src_endpoint: { svc_name: 'leasegate' },
      };
    case 'finding':
      return { finding_info: { uid: textOf(event['id']) ?? `${entry.index}`, title: columns.kind } };
  }
}

function entityOf(type: string, columns: EventColumns, event: Members): Members {
  const [uid, name] = {
    grant: [columns.grantId, columns.grantName],
    credential: [null, columns.credential],
    tool: [null, columns.tool],
    run: [columns.runRef, columns.runId],
    lease: [columns.leaseId, columns.credential],
  }[type] ?? [null, null];
  const found = defined({ uid: uid ?? undefined, name: name ?? undefined });
  return { type, ...(Object.keys(found).length > 0 ? found : { uid: textOf(event['id']) ?? 'unknown' }) };
}

function actorOf(columns: EventColumns): Members {
  return columns.actorIssuer === null
    ? { app_name: columns.actorSubject ?? 'unknown' }
    : { user: userOf(columns.actorSubject, columns.actorIssuer) };
}

function userOf(subject: string | null, issuer: string | null): Members {
  return defined({ name: subject ?? 'unknown', domain: issuer ?? undefined });
}

function severityOf({ outcome }: EventColumns, { of }: OcsfMapping): number {
  if (of === 'finding') return SEVERITY.high;
  return outcome === 'success' ? SEVERITY.informational : SEVERITY.medium;
}

function defined(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

import { columnsOfEvent, readEvent } from '../audit/stored-event.js';
import type { ExportedEntry, ExportWriter } from './export-format.js';

const PREFIX = 'CEF:0|Leasegate|Leasegate|1';
const SEVERITY: Readonly<Record<string, number>> = { success: 3, refused: 6, failure: 7 };

/**
 * Common Event Format, a line per event, for systems that read nothing else. It proves nothing; `cs6` is the hash of the
 * leaf, which finds the entry in the JSON Lines form.
 */
export class CefWriter implements ExportWriter {
  begin(): string {
    return '';
  }

  entries(batch: readonly ExportedEntry[]): string {
    return batch.map((entry) => `${cefLine(entry)}\n`).join('');
  }

  end(): string {
    return '';
  }
}

function cefLine(entry: ExportedEntry): string {
  const event = readEvent(entry.leaf) ?? {};
  const columns = columnsOfEvent(event);
  const time = columns.occurredAt === undefined ? undefined : String(Date.parse(columns.occurredAt));
  const extension = Object.entries({
    rt: time,
    externalId: textOf(event['id']),
    act: columns.kind,
    outcome: columns.outcome,
    reason: columns.code,
    suser: columns.actorSubject,
    suid: columns.actorIssuer,
    duser: columns.workloadSubject,
    duid: columns.workloadIssuer,
    requestContext: columns.requestId,
    ...labelled(1, 'run', columns.runId),
    ...labelled(2, 'grant', columns.grantName ?? columns.grantId),
    ...labelled(3, 'lease', columns.leaseId),
    ...labelled(4, 'credential', columns.credential),
    ...labelled(5, 'step', columns.stepId),
    ...labelled(6, 'leafHash', entry.leafHash.toString('hex')),
    cn1Label: 'index',
    cn1: String(entry.index),
    msg: event['data'] === undefined ? undefined : JSON.stringify(event['data']),
  })
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}=${extensionValue(value ?? '')}`);
  const severity = String(SEVERITY[columns.outcome] ?? 3);
  return `${[PREFIX, headerValue(columns.kind), headerValue(columns.kind.replace(/[._]/g, ' ')), severity].join('|')}|${extension.join(' ')}`;
}

function labelled(n: number, label: string, value: string | null): Readonly<Record<string, string>> {
  return value === null ? {} : { [`cs${n}Label`]: label, [`cs${n}`]: value };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

// In the header a pipe would end the field, in an extension an equals sign would begin the next one.
function headerValue(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\|]/g, '\\$&');
}

function extensionValue(text: string): string {
  return text.replace(/[\\=]/g, '\\$&').replace(/\r/g, '\\r').replace(/\n/g, '\\n');
}

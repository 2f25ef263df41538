import { labelsOf, type SinkEvent } from '../sink-event.js';

/** Facility 13, log audit (RFC 5424, section 6.2.1). */
const FACILITY = 13;
const SEVERITIES: Readonly<Record<string, number>> = { success: 6, refused: 4, failure: 3 };
const WARNING = 4;
const MAX_MSGID_CHARS = 32;

/** What every message of a sink says alike. */
export interface SyslogSender {
  readonly hostname: string;
  readonly enterpriseId: string;
}

/**
 * An event as a message of RFC 5424 in the frame of RFC 5425 (its length in bytes, a space, the message). MSGID is the
 * kind, the structured data has what is searched for, and MSG is the leaf as it stands in the log.
 */
export function syslogFrame(event: SinkEvent, { hostname, enterpriseId }: SyslogSender): Buffer {
  const priority = FACILITY * 8 + (SEVERITIES[event.outcome] ?? WARNING);
  const data = Object.entries({
    id: event.id,
    index: String(event.index),
    kind: event.kind,
    leafHash: event.leafHash,
    ...labelsOf(event),
  })
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join('');
  const header = `<${priority}>1 ${event.time ?? '-'} ${hostname} leasegate - ${messageId(event.kind)}`;
  const message = Buffer.concat([
    Buffer.from(`${header} [leasegate@${enterpriseId}${data}] `, 'utf8'),
    event.leaf,
  ]);
  return Buffer.concat([Buffer.from(`${message.length} `, 'ascii'), message]);
}

function messageId(kind: string): string {
  return kind.replace(/[^!-~]/g, '_').slice(0, MAX_MSGID_CHARS) || '-';
}

/** RFC 5424, section 6.3.3; control characters besides, for receivers that write lines. */
function escaped(value: string): string {
  return value.replace(/\p{Cc}+/gu, ' ').replace(/["\\\]]/g, '\\$&');
}

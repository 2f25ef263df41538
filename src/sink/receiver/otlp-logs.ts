import { labelsOf, type SinkEvent } from '../sink-event.js';

/** Numbers and names of severities (OpenTelemetry logs data model). */
const SEVERITIES: Readonly<Record<string, readonly [number: number, name: string]>> = {
  success: [9, 'INFO'],
  refused: [13, 'WARN'],
  failure: [17, 'ERROR'],
};
const UNKNOWN: readonly [number, string] = [13, 'WARN'];

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

/** What says who sends. */
export interface OtlpSource {
  readonly origin: string;
  readonly instance: string;
  readonly observedAt: Date;
}

/**
 * Events as an `ExportLogsServiceRequest` in the JSON form of OTLP 1. The body of a record is the leaf as it stands in
 * the log; `log.record.uid` is the id of the event, by which repeated ones are told.
 */
export function otlpLogs(events: readonly SinkEvent[], { origin, instance, observedAt }: OtlpSource): string {
  return JSON.stringify({
    resourceLogs: [
      {
        resource: {
          attributes: [
            attribute('service.name', 'leasegate'),
            attribute('service.instance.id', instance),
            attribute('leasegate.log.origin', origin),
          ],
        },
        scopeLogs: [
          {
            scope: { name: 'leasegate.audit' },
            logRecords: events.map((event) => record(event, observedAt)),
          },
        ],
      },
    ],
  });
}

function record(event: SinkEvent, observedAt: Date): Record<string, unknown> {
  const [severityNumber, severityText] = SEVERITIES[event.outcome] ?? UNKNOWN;
  const observedTimeUnixNano = nanoseconds(observedAt.getTime());
  return {
    timeUnixNano: event.time === undefined ? observedTimeUnixNano : nanoseconds(Date.parse(event.time)),
    observedTimeUnixNano,
    severityNumber,
    severityText,
    eventName: `leasegate.${event.kind}`,
    body: { stringValue: event.leaf.toString('utf8') },
    attributes: [
      attribute('log.record.uid', event.id),
      { key: 'leasegate.log.index', value: { intValue: String(event.index) } },
      attribute('leasegate.log.leaf_hash', event.leafHash),
      ...Object.entries(labelsOf(event)).map(([name, value]) => attribute(`leasegate.${name}`, value)),
    ],
  };
}

function attribute(key: string, stringValue: string): Attribute {
  return { key, value: { stringValue } };
}

/** As text: 64-bit integers have no other JSON form in OTLP, and no number of JavaScript holds them. */
function nanoseconds(ms: number): string {
  return `${Math.max(0, ms)}000000`.replace(/^0+(?=\d)/, '');
}

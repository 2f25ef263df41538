import type { SinkEvent } from '../sink-event.js';

/** Media type of a batch (CloudEvents 1.0, JSON format, section 4). */
export const CLOUD_EVENTS_BATCH = 'application/cloudevents-batch+json';

/**
 * Events as a CloudEvents 1.0 batch. `source` is the origin of the log and `id` that of the event: receivers tell
 * repeated ones by both. `data` is the leaf as it stands in the log, byte for byte; `leafhash` is that of the tree.
 */
export function cloudEventsBatch(events: readonly SinkEvent[], origin: string): string {
  return `[${events.map((event) => cloudEvent(event, origin)).join(',')}]`;
}

function cloudEvent(event: SinkEvent, origin: string): string {
  const attributes = JSON.stringify({
    specversion: '1.0',
    id: event.id,
    source: origin,
    type: `leasegate.${event.kind}`,
    ...(event.time === undefined ? {} : { time: event.time }),
    sequence: String(event.index),
    leafhash: event.leafHash,
    ...(event.event === undefined ? {} : { datacontenttype: 'application/json' }),
  });
  const data =
    event.event === undefined
      ? `"data_base64":${JSON.stringify(event.leaf.toString('base64'))}`
      : `"data":${event.leaf.toString('utf8')}`;
  return `${attributes.slice(0, -1)},${data}}`;
}

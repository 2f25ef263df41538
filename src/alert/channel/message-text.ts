import type { Notification } from '../notification.js';

/** One line about a notification, for subjects and first lines. */
export function headline({ type, severity, rule, summary }: Notification): string {
  const what = type === 'alert.resolved' ? 'resolved' : severity;
  return `[${what}] ${rule}: ${summary}`;
}

/** The lines below the headline: what it is about, how often, and where to look further. */
export function details(notification: Notification): string[] {
  const { labels, samples, events, new_events: fresh } = notification;
  const newest = samples.at(-1);
  return [
    ...Object.entries(labels).map(([name, value]) => `${name}: ${value}`),
    ...(events === 0 ? [] : [`events: ${events}${fresh === events || fresh === 0 ? '' : ` (${fresh} new)`}`]),
    ...(newest === undefined
      ? []
      : [
          `first: ${notification.first_event_at}, last: ${notification.last_event_at}`,
          `newest: ${newest.kind}${newest.code === undefined ? '' : ` ${newest.code}`}, index ${newest.index} of the log`,
        ]),
    ...(newest?.reference === undefined ? [] : [`reference: ${newest.reference}`]),
    ...(notification.alert_id === null ? [] : [`alert: ${notification.alert_id}`]),
    `broker: ${notification.broker}`,
  ].map(oneLine);
}

/** Text from events on one line: whoever can vary a label must not be able to write lines of their own. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}

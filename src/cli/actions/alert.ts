import { usageError } from '../cli-error.js';
import { adminClient } from '../clients.js';
import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';

/** `alert list` */
export async function list(invocation: Invocation): Promise<void> {
  const filters = {
    state: invocation.text('state'),
    rule: invocation.text('rule'),
    severity: invocation.text('severity'),
  };
  await printList(invocation, adminClient(invocation).alerts, filters, [
    ['RULE', (alert) => alert.rule],
    ['SEVERITY', (alert) => alert.severity],
    ['STATE', (alert) => alert.state],
    ['EVENTS', (alert) => alert.events],
    ['LAST', (alert) => alert.last_event_at],
    ['TOLD', (alert) => alert.notified_at],
    [
      'ABOUT',
      (alert) =>
        Object.entries(alert.labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
    ],
    ['ID', (alert) => alert.id],
  ]);
}

/** `alert get` */
export async function get(invocation: Invocation): Promise<void> {
  const found = await adminClient(invocation).alerts.get(invocation.word(0));
  await invocation.output.show(found, () => invocation.output.whole(found));
}

/** `alert rules` */
export async function rules(invocation: Invocation): Promise<void> {
  const page = await adminClient(invocation).alerts.rules();
  await invocation.output.show(page, () =>
    invocation.output.table(page.items, [
      ['RULE', (rule) => rule.name],
      ['SEVERITY', (rule) => rule.severity],
      ['ENABLED', (rule) => rule.enabled],
      ['KINDS', (rule) => rule.kinds.join(' ')],
      ['CHANNELS', (rule) => rule.channels.join(' ')],
      ['SUMMARY', (rule) => rule.summary],
    ]),
  );
}

/** `alert test`: exits with 1 when somebody could not be told. */
export async function test(invocation: Invocation): Promise<number> {
  const wanted = { rule: invocation.text('rule'), channel: invocation.text('channel') };
  const result = await adminClient(invocation).alerts.test(wanted);
  await invocation.output.show(result, () =>
    invocation.output.table(result.notifications, [
      ['CHANNEL', (each) => each.channel],
      ['STATE', (each) => each.state],
      ['WHY', (each) => each.last_error],
      ['ID', (each) => each.id],
    ]),
  );
  return result.ok ? EXIT.done : EXIT.failed;
}

/** `alert silence` */
export async function silence(invocation: Invocation): Promise<void> {
  const made = await adminClient(invocation).silences.create({
    matchers: matchersOf(invocation.texts('match')),
    duration_seconds: invocation.number('for') ?? 0,
    comment: invocation.text('comment') ?? '',
  });
  await invocation.output.show(made, () => invocation.output.whole(made));
}

/** `alert silences` */
export async function silences(invocation: Invocation): Promise<void> {
  await printList(invocation, adminClient(invocation).silences, { active: invocation.text('active') }, [
    ['UNTIL', (each) => each.until],
    ['ENDED', (each) => each.ended_at],
    ['BY', (each) => each.created_by],
    [
      'MATCHERS',
      (each) =>
        Object.entries(each.matchers)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
    ],
    ['COMMENT', (each) => each.comment],
    ['ID', (each) => each.id],
  ]);
}

/** `alert unsilence` */
export async function unsilence(invocation: Invocation): Promise<void> {
  const ended = await adminClient(invocation).silences.end(invocation.word(0));
  await invocation.output.show(ended, () => invocation.output.whole(ended));
}

function matchersOf(words: readonly string[]): Record<string, string> {
  const matchers: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw usageError('--match is a name and a value, such as rule=shadow-egress.');
    matchers[word.slice(0, at)] = word.slice(at + 1);
  }
  return matchers;
}

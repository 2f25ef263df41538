import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { printList } from '../listing.js';

/** `sink list` */
export async function list(invocation: Invocation): Promise<void> {
  const page = await adminClient(invocation).sinks.list();
  await invocation.output.show(page, () =>
    invocation.output.table(page.items, [
      ['SINK', (sink) => sink.name],
      ['KIND', (sink) => sink.kind],
      ['NEXT', (sink) => sink.next_index],
      ['BEHIND', (sink) => sink.lag_events],
      ['SECONDS', (sink) => Math.round(sink.lag_seconds)],
      ['DEAD', (sink) => sink.dead_letters],
      ['FAILURES', (sink) => sink.attempts],
      ['WHY', (sink) => sink.last_error],
    ]),
  );
}

/** `sink dead-letters` */
export async function deadLetters(invocation: Invocation): Promise<void> {
  const letters = adminClient(invocation).sinks.letters(invocation.word(0));
  await printList(invocation, letters, { state: invocation.text('state') }, [
    ['INDEX', (letter) => letter.index],
    ['KIND', (letter) => letter.kind],
    ['STATE', (letter) => letter.state],
    ['ATTEMPTS', (letter) => letter.attempts],
    ['SINCE', (letter) => letter.created_at],
    ['WHY', (letter) => letter.last_error],
    ['ID', (letter) => letter.id],
  ]);
}

/** `sink retry` */
export async function retry(invocation: Invocation): Promise<void> {
  const named = invocation.texts('letter');
  const result = await adminClient(invocation).sinks.retry(
    invocation.word(0),
    named.length === 0 ? undefined : named,
  );
  await invocation.output.show(result, () => invocation.output.whole(result));
}

import type { StoryView } from '../../sdk/api-types.js';

/** A story as one JSON document, written as its pages come: the first page, with the items of all. */
export async function* storyJson(pages: AsyncIterable<StoryView>): AsyncGenerator<string, void, undefined> {
  let head = true;
  let between = '';
  for await (const { run, sums, alerts, items } of pages) {
    if (head) yield `${JSON.stringify({ run, sums, alerts }).slice(0, -1)},"items":[`;
    head = false;
    for (const item of items) {
      yield `${between}${JSON.stringify(item)}`;
      between = ',';
    }
  }
  yield ']}\n';
}

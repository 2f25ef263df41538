import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import type { StoryView } from '../../sdk/api-types.js';
import { adminClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { pageParts } from '../story/story-page.js';
import { storyJson } from '../story/story-json.js';
import { storyLines } from '../story/story-lines.js';

/** `audit run`: page by page as it comes, however long the story is. */
export async function tell(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const pages = adminClient(invocation).audit.stories(invocation.word(0));
  const file = invocation.text('html');
  if (file !== undefined) {
    await writePage(file, pages);
    output.note(`written to ${file}`);
    if (!output.json) return;
  }
  const parts = output.json
    ? storyJson(file === undefined ? pages : adminClient(invocation).audit.stories(invocation.word(0)))
    : storyLines(pages, output.terminal);
  for await (const part of parts) {
    if (!output.stdout.write(part)) await once(output.stdout, 'drain');
  }
}

async function writePage(file: string, pages: AsyncIterable<StoryView>): Promise<void> {
  const target = await open(file, 'wx', 0o600);
  try {
    for await (const part of pageParts(pages)) await target.write(part);
  } catch (error) {
    // Half a story must not lie around looking like one.
    await rm(file, { force: true });
    throw error;
  } finally {
    await target.close();
  }
}

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { storyJson } from '../../../src/cli/story/story-json.js';
import { storyLines } from '../../../src/cli/story/story-lines.js';
import { escaped, pageParts } from '../../../src/cli/story/story-page.js';
import type { StoryView } from '../../../src/sdk/api-types.js';

const REF = '01890a5d-ac96-774b-bcce-b302099a8057';

function page(changes: Partial<StoryView>): StoryView {
  return {
    run: {
      run_ref: REF,
      run_id: 'nightly-42',
      workload: { issuer: 'https://ci.example', subject: 'repo:a', claims: { ref: 'main' } },
      grant: { id: REF, name: 'deployers', version: 2, decisions: [] },
      opened_at: '2026-11-21T09:00:00.000Z',
      ended_at: null,
      ended: null,
      ended_by: null,
    },
    sums: { kinds: { 'lease.issued': 1 }, refused: 1, exact: true, cost_micros: 1_500_000 },
    alerts: [],
    items: [],
    next_cursor: null,
    ...changes,
  };
}

function item(index: number, time: string, says: string, outcome = 'success'): StoryView['items'][number] {
  return {
    index,
    time,
    kind: 'lease.issued',
    chapter: 'lease',
    says,
    actor: 'repo:a',
    event: { outcome, step_id: 's' },
  };
}

const ALERT = {
  id: REF,
  rule: 'lease-stuck',
  severity: 'critical',
  summary: 'It fails again.',
  state: 'firing',
  opened_at: '2026-11-21T09:00:02.000Z',
  resolved_at: null,
};
const PAGES = [
  page({ alerts: [ALERT], items: [item(3, '2026-11-21T09:00:01.000Z', 'First.')] }),
  page({ sums: null, items: [item(7, '2026-11-22T09:00:03.000Z', 'Second <b>.', 'refused')] }),
];

async function* given(pages: readonly StoryView[]): AsyncGenerator<StoryView> {
  for (const one of pages) yield await Promise.resolve(one);
}

async function textOf(parts: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const part of parts) text += part;
  return text;
}

describe('the story of a run', () => {
  it('is one JSON document, however many pages it came in', async () => {
    const story = JSON.parse(await textOf(storyJson(given(PAGES)))) as StoryView;
    expect(story.items.map(({ index }) => index)).toEqual([3, 7]);
    expect(story.sums?.refused).toBe(1);
    const empty = JSON.parse(await textOf(storyJson(given([page({}), page({}), ...PAGES])))) as StoryView;
    expect(empty.items).toHaveLength(2);
  });

  it('is a timeline, with alerts where they were raised', async () => {
    const text = await textOf(storyLines(given(PAGES), false));
    expect(text).toContain('cost 1.50');
    expect(text.indexOf('First.')).toBeLessThan(text.indexOf('Alert lease-stuck'));
    expect(text.indexOf('Alert lease-stuck')).toBeLessThan(text.indexOf('2026-11-22'));
    expect(text).toMatch(/09:00:01\.000 {2}lease {7}First\. \[s\] \(repo:a\) #3/);
    expect(await textOf(storyLines(given([page({})]), false))).toContain('nothing more');
  });

  it('cannot move the cursor of who reads it', async () => {
    const text = await textOf(
      storyLines(
        given([page({ items: [item(1, '2026-11-21T09:00:01.000Z', 'a\u001b[2Jb\nc\u202e')] })]),
        false,
      ),
    );
    expect(text).not.toMatch(/[\u001b\u202e]/);
    expect(text).toContain('b c');
  });
});

describe('its page', () => {
  it('needs nothing else: no script, no address, and one style that its policy names', async () => {
    const html = await textOf(pageParts(given(PAGES)));
    expect(html).not.toMatch(/<script|<link|<img|<iframe|\shref=|\ssrc=|\sstyle=|\son\w+=|url\(|@import/i);
    const style = /<style>([^]*?)<\/style>/.exec(html)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(html).toContain(`default-src 'none'; style-src 'sha256-${hash}'`);
  });

  it('has what a screen reader goes by', async () => {
    const html = await textOf(pageParts(given(PAGES)));
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    for (const part of ['<title>Run nightly-42', '<h1>', '<main>', '<caption>', '<header>', '<footer>'])
      expect(html).toContain(part);
    expect(html.match(/<th scope="col">/g)).toHaveLength(7);
    expect(html.match(/<tr/g)).toHaveLength(4);
    expect(html).toContain('<time datetime="2026-11-21T09:00:01.000Z">');
    // What is bad says so in words too, not by its colour alone.
    expect(html).toMatch(/<tr class="bad">.*<td>refused<\/td>/);
    // Each element that is opened is closed, in order.
    const open: string[] = [];
    for (const [, slash, name] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)/g)) {
      if (name === undefined || name === 'meta') continue;
      if (slash === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  it('shows what others chose as text, whatever it is', async () => {
    expect(await textOf(pageParts(given(PAGES)))).toContain('Second &lt;b&gt;.');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escaped(text)).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)|[\u0000-\u0008\u202a-\u202e]/);
      }),
      { seed: 42 },
    );
  });
});

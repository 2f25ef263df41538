import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageParts } from '../../../src/cli/story/story-page.js';
import type { StoryView } from '../../../src/sdk/api-types.js';
import { TestBrowser } from '../../support/browser.js';
import { startWorld, type World } from '../../support/world.js';

const REF = '01890a5d-ac96-774b-bcce-b302099a8057';
/** What somebody may call a run, a subject or a step. */
const HOSTILE = `</td></dd></title><script>document.title='taken'</script><img src=x onerror="document.title='taken'">`;

let folder: string;
let browser: TestBrowser;
let world: World;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'leasegate-pages-'));
  [browser, world] = await Promise.all([TestBrowser.start(), startWorld()]);
});
afterAll(async () => {
  await Promise.all([browser.stop(), world.stop()]);
  rmSync(folder, { recursive: true });
});

function story(runId: string, events: number): StoryView {
  return {
    run: {
      run_ref: REF,
      run_id: runId,
      workload: { issuer: 'https://ci.example', subject: runId, claims: { ref: runId } },
      grant: { id: REF, name: 'deployers', version: 2, decisions: [] },
      opened_at: '2026-11-21T09:00:00.000Z',
      ended_at: null,
      ended: null,
      ended_by: null,
    },
    sums: { kinds: { 'lease.issued': events }, refused: 1, exact: true, cost_micros: 1_500_000 },
    alerts: [],
    items: Array.from({ length: events }, (_, index) => ({
      index,
      time: new Date(Date.UTC(2026, 10, 21, 9) + index * 1_000).toISOString(),
      kind: 'lease.issued',
      chapter: 'lease' as const,
      says: index === 0 ? `Leased ${runId}.` : `Leased ${index}.`,
      actor: runId,
      event: { outcome: index === 1 ? 'refused' : 'success', step_id: runId },
    })),
    next_cursor: null,
  };
}

async function open(view: StoryView) {
  let html = '';
  async function* pages(): AsyncGenerator<StoryView> {
    yield await Promise.resolve(view);
  }
  for await (const part of pageParts(pages())) html += part;
  const file = join(folder, 'story.html');
  writeFileSync(file, html);
  return browser.open(pathToFileURL(file).href);
}

describe('the story of a run in a browser', () => {
  it('is a table that somebody can read, and asks for nothing', async () => {
    const { page, ask, requested, complaints } = await open(story('nightly-42', 200));
    expect(await page.title()).toBe('Run nightly-42');
    expect(await ask(`document.querySelectorAll('tbody tr').length`)).toBe(200);
    expect(await ask(`document.querySelector('thead').textContent`)).toContain('What happened');
    // The style came through its own policy: else the timeline would have no lines and refusals would look like the rest.
    const weights = await ask(
      `[...document.querySelectorAll('td.says')].slice(0, 2).map((cell) => getComputedStyle(cell).fontWeight)`,
    );
    expect(weights).toEqual(['400', '600']);
    expect(requested).toEqual([page.url()]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('is no wider than a telephone', async () => {
    const { page, ask } = await open(story('nightly-42', 3));
    await page.setViewport({ width: 390, height: 800 });
    expect(await ask('document.body.scrollWidth <= window.innerWidth')).toBe(true);
    await page.close();
  });

  it('runs nothing that a worker wrote', async () => {
    const { page, ask, requested } = await open(story(HOSTILE, 3));
    expect(await page.title()).toBe(`Run ${HOSTILE}`);
    expect(await page.$$('script, img')).toHaveLength(0);
    expect(await ask(`document.querySelector('td.says').textContent`)).toBe(`Leased ${HOSTILE}.`);
    expect(requested).toHaveLength(1);
    await page.close();
  });

  it('has names for what a screen reader reads', async () => {
    const { page } = await open(story('nightly-42', 3));
    const tree = JSON.stringify(await page.accessibility.snapshot({ interestingOnly: false }));
    for (const part of ['"role":"main"', '"role":"table"', '"role":"columnheader"', 'Every event of the run'])
      expect(tree).toContain(part);
    await page.close();
  });
});

describe('the documentation of the API in a browser', () => {
  it('opens each part, and asks nobody else for anything', async () => {
    const { page, ask, requested, complaints } = await browser.open(`${world.baseUrl}/docs`);
    expect(await page.title()).toBe('Leasegate API');
    expect(await ask(`[...document.querySelectorAll('h2')].map(({ textContent }) => textContent)`)).toContain(
      'Errors',
    );
    const shown = (): Promise<unknown> =>
      ask(`document.querySelector('details :not(summary):not(summary *)').checkVisibility()`);
    expect(await shown()).toBe(false);
    await page.click('summary');
    expect(await shown()).toBe(true);
    expect(requested.filter((url) => new URL(url).origin !== world.baseUrl)).toEqual([]);
    expect(complaints.filter((said) => !said.includes('favicon'))).toEqual([]);
    await page.close();
  });
});

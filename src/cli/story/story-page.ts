import { createHash } from 'node:crypto';
import type { StoryView } from '../../sdk/api-types.js';
import { headOf, momentsOf, type StoryMoment } from './merged.js';

const STYLE = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:75rem;padding:1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}
section{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.5rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;border-bottom:1px solid #8c8c8c}
td{overflow-wrap:anywhere}td.time{white-space:nowrap;font-variant-numeric:tabular-nums}
tr.bad td.says{font-weight:600;color:#9b1c1c}
@media (prefers-color-scheme:dark){body{color:#f0f0f0;background:#161616}tr.bad td.says{color:#ff9d9d}}
@media print{body{max-width:none}tr{break-inside:avoid}}`;

const STYLE_HASH = createHash('sha256').update(STYLE, 'utf8').digest('base64');

const HEADINGS = ['Time (UTC)', 'Part', 'What happened', 'Step', 'Who', 'Outcome', 'Place in the log'];

/**
 * A story as a page that needs nothing else: no script, no request, one style that its own policy names. Made as the
 * pages come; everything in it that others chose is escaped.
 */
export async function* pageParts(pages: AsyncIterable<StoryView>): AsyncGenerator<string, void, undefined> {
  let head = '';
  const moments = momentsOf(pages, (page) => (head = beginning(page)));
  let count = 0;
  for await (const moment of moments) {
    if (count === 0) yield head;
    count += 1;
    yield row(moment);
  }
  if (count === 0) yield head;
  yield `</tbody>\n</table>\n</section>\n</main>\n<footer><p>${count} moments. Told from the audit log alone; each place in the log can be
verified with <code>leasegate audit verify</code>.</p></footer>\n</body>\n</html>\n`;
}

function beginning(page: StoryView): string {
  const title = `Run ${page.run.run_id ?? page.run.run_ref}`;
  const entries = headOf(page).filter(([, value]) => value !== '');
  const facts = entries.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escaped(title)}</h1></header>
<main>
<section aria-labelledby="facts"><h2 id="facts">What it was</h2>
<dl>${facts.join('\n')}</dl>
</section>
<section aria-labelledby="timeline" tabindex="0"><h2 id="timeline">What happened</h2>
<table>
<caption>Every event of the run in the order of the log, with the alerts about it</caption>
<thead><tr>${HEADINGS.map((heading) => `<th scope="col">${heading}</th>`).join('')}</tr></thead>
<tbody>
`;
}

function row(moment: StoryMoment): string {
  const bad = moment.outcome === 'refused' || moment.outcome === 'failure' || moment.chapter === 'alert';
  const cells = [
    `<td class="time"><time datetime="${escaped(moment.time)}">${escaped(moment.time.replace('T', ' ').replace('Z', ''))}</time></td>`,
    `<td>${escaped(moment.chapter)}</td>`,
    `<td class="says">${escaped(moment.says)}</td>`,
    `<td>${escaped(moment.step)}</td>`,
    `<td>${escaped(moment.actor)}</td>`,
    `<td>${escaped(moment.outcome)}</td>`,
    `<td>${moment.index ?? ''}</td>`,
  ];
  return `<tr${bad ? ' class="bad"' : ''}>${cells.join('')}</tr>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
// Controls, and what turns the direction of text round it: a subject must not be able to pose as another one.
const INVISIBLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Text of others, made harmless for a page: in an element, or in an attribute with quotes. */
export function escaped(text: string): string {
  return text.replace(INVISIBLE, '\u{fffd}').replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

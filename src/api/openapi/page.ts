import { ERROR_CODES } from '../../kernel/error-codes.js';
import type { OpenApiDocument } from './document.js';
import { grouped } from './grouped.js';

const STYLE = `:root{color-scheme:light dark;--dim:color-mix(in srgb,currentColor 60%,transparent);--line:color-mix(in srgb,currentColor 18%,transparent)}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.5rem .8rem}
summary{cursor:pointer}code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.6rem;border:1px solid var(--line);border-radius:.3rem}
.verb{display:inline-block;min-width:4.2em;font-weight:600}.what{color:var(--dim)}table{border-collapse:collapse}td,th{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top}`;

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly { name: string; in: string; required: boolean; description?: string }[];
  readonly requestBody?: { content: Record<string, { schema: object }> };
  readonly responses: Record<string, { description?: string; content?: Record<string, { schema: object }> }>;
}

interface Entry {
  readonly verb: string;
  readonly path: string;
  readonly operation: Operation;
}

/** The style's own text, for the content security policy of the page. */
export const PAGE_STYLE = STYLE;

/** A page of the whole API: no script, no font, nothing from anywhere else. */
export function documentationPage(document: OpenApiDocument): string {
  const entries = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]): Entry => ({ verb, path, operation: operation as never })),
  );
  const byTag = grouped(entries, ({ operation }) => operation.tags[0] ?? '');
  const sections = [...byTag].map(([tag, of]) => `<h2>${text(tag)}</h2>${of.map(entryOf).join('')}`);
  const schemas = (document['components'] as { schemas: Record<string, object> }).schemas;
  const shapes = Object.entries(schemas).map(
    ([name, schema]) =>
      `<details id="schema-${text(name)}"><summary><code>${text(name)}</code></summary>${json(schema)}</details>`,
  );
  const errors = Object.entries(ERROR_CODES).map(
    ([code, { status, title }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${text(title)}</td></tr>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Leasegate API</title><style>${STYLE}</style></head><body><h1>Leasegate API</h1>
<p>The machine-readable form is <a href="/openapi.json"><code>/openapi.json</code></a> (OpenAPI 3.1).</p>
${sections.join('\n')}<h2>Schemas</h2>${shapes.join('\n')}
<h2>Errors</h2><table><tr><th>code</th><th>status</th><th>what it says</th></tr>${errors.join('')}</table></body></html>`;
}

function entryOf({ verb, path, operation }: Entry): string {
  const parameters = operation.parameters.map(
    ({ name, in: where, required, description }) =>
      `<tr><td><code>${text(name)}</code></td><td>${where}${required ? ', required' : ''}</td><td>${text(description ?? '')}</td></tr>`,
  );
  const answers = Object.entries(operation.responses).map(
    ([status, { description, content }]) =>
      `<tr><td>${status}</td><td>${text(description ?? '')}${contentOf(content)}</td></tr>`,
  );
  return `<details id="${text(operation.operationId)}"><summary><code><span class="verb">${verb.toUpperCase()}</span> ${text(path)}</code> <span class="what">${text(operation.summary)}</span></summary>
<p>${text(operation.description)}</p>${parameters.length > 0 ? `<table>${parameters.join('')}</table>` : ''}
${operation.requestBody ? `<h4>Body</h4>${contentOf(operation.requestBody.content)}` : ''}<h4>Answers</h4><table>${answers.join('')}</table></details>`;
}

function contentOf(content: Record<string, { schema: object }> | undefined): string {
  return Object.entries(content ?? {})
    .filter(([type]) => type !== 'application/problem+json')
    .map(([type, { schema }]) => `<div><code>${text(type)}</code>${json(schema)}</div>`)
    .join('');
}

function json(schema: object): string {
  const shown = text(JSON.stringify(schema, null, 2));
  return `<pre>${shown.replace(/#\/components\/schemas\/(\w+)/g, '<a href="#schema-$1">$1</a>')}</pre>`;
}

function text(raw: string): string {
  return raw.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

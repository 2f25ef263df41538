import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

/** A fenced block of a page. */
export interface Snippet {
  /** `page:line` of its fence, for messages. */
  readonly where: string;
  /** What stands behind the fence, such as `sh` or `yaml grant`. */
  readonly kind: string;
  readonly text: string;
}

/** All pages for people: the README and everything below `docs/`. */
export function pages(): string[] {
  const below = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', ...below.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];
}

/** The text of a page. */
export function pageText(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** The fenced blocks of a page, in order. */
export function snippetsOf(page: string): Snippet[] {
  const found: Snippet[] = [];
  let open: { line: number; kind: string; lines: string[] } | undefined;
  pageText(page)
    .split('\n')
    .forEach((line, index) => {
      if (!line.startsWith('```')) open?.lines.push(line);
      else if (open === undefined) open = { line: index + 1, kind: line.slice(3).trim(), lines: [] };
      else {
        found.push({ where: `${page}:${open.line}`, kind: open.kind, text: open.lines.join('\n') });
        open = undefined;
      }
    });
  return found;
}

/** Whether a link of a page leads to a file of the repository. */
export function linkTarget(page: string, link: string): string {
  return relative(ROOT, resolve(ROOT, page, '..', link.split('#')[0] ?? ''));
}

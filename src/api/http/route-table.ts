import { Injectable } from '@nestjs/common';

interface Entry {
  readonly method: string;
  readonly pattern: RegExp;
}

/** The routes that exist, to tell a wrong method (405) from a wrong path (404). */
@Injectable()
export class RouteTable {
  private readonly entries: Entry[] = [];

  /** Adds a route; called once for each when the server is put together. */
  add(methods: readonly string[], template: string): void {
    const source = template
      .split('/')
      .map((part) =>
        part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
      )
      .join('/');
    const pattern = new RegExp(`^${source}$`);
    for (const method of methods) this.entries.push({ method, pattern });
  }

  /** The methods that a path takes; none when there is no such path. */
  methodsOf(url: string): string[] {
    const path = url.split('?', 1)[0] ?? '';
    const methods = this.entries.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    return [...new Set(methods)].sort();
  }
}

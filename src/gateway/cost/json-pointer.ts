/** A JSON pointer (RFC 6901), taken apart once. */
export class JsonPointer {
  private constructor(private readonly tokens: readonly string[]) {}

  static of(text: string): JsonPointer {
    const tokens = text.split('/').slice(1);
    return new JsonPointer(tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~')));
  }

  /** What it points to; undefined when there is nothing. Only own members count. */
  in(document: unknown): unknown {
    let value = document;
    for (const token of this.tokens) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return undefined;
      value = (value as Readonly<Record<string, unknown>>)[token];
    }
    return value;
  }

  /** The number that it points to; undefined for anything that cannot be an amount. */
  numberIn(document: unknown): number | undefined {
    const value = this.in(document);
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
  }

  /** The text that it points to. */
  textIn(document: unknown): string | undefined {
    const value = this.in(document);
    return typeof value === 'string' ? value : undefined;
  }

  /**
   * Text that any document it points into has to contain, spelled as JSON without needless escapes. Places in lists are
   * spelled nowhere; what is made of them alone has the empty text, which everything contains.
   */
  get needle(): string {
    const member = this.tokens.findLast((token) => !/^\d*$/.test(token));
    return member === undefined ? '' : JSON.stringify(member);
  }
}

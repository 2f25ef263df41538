import { usageError } from '../cli-error.js';

/** An object of the document, of which nothing is believed yet. */
export type Node = Readonly<Record<string, unknown>>;

/** An OpenAPI 3.0 or 3.1 document whose references lead into itself. */
export class OpenApiDocument {
  private constructor(readonly root: Node) {}

  /** Reads a document that was parsed from JSON or YAML. */
  static of(value: unknown): OpenApiDocument {
    if (!isNode(value)) throw usageError('The document does not hold one mapping.');
    const version = value['openapi'];
    if (typeof version !== 'string' || !/^3\.[01]\./.test(version))
      throw usageError('The document is not OpenAPI 3.0 or 3.1.');
    return new OpenApiDocument(value);
  }

  /** An object, followed through references; only those that lead into this document. */
  resolved(value: unknown): Node | undefined {
    let at = value;
    for (let steps = 0; isNode(at) && typeof at['$ref'] === 'string'; steps += 1) {
      if (steps > 32) throw usageError('The document has references that go round.');
      at = this.lookup(at['$ref']);
    }
    return isNode(at) ? at : undefined;
  }

  /** What a local reference leads to. */
  lookup(ref: string): unknown {
    if (!ref.startsWith('#/'))
      throw usageError(`The document refers to ${ref}, which is not in it; bundle it first.`);
    let at: unknown = this.root;
    for (const token of ref.slice(2).split('/')) {
      const key = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
      at = isNode(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    }
    if (at === undefined) throw usageError(`The document refers to ${ref}, and has nothing there.`);
    return at;
  }

  /** The operation of an id with its path, method and path item. */
  operation(id: string): Operation {
    const paths = this.root['paths'];
    for (const [path, value] of Object.entries(isNode(paths) ? paths : {})) {
      const item = this.resolved(value);
      for (const method of METHODS) {
        const operation = item?.[method];
        if (item !== undefined && isNode(operation) && operation['operationId'] === id)
          return { id, path, method: method.toUpperCase(), item, operation };
      }
    }
    throw usageError(`The document has no operation ${id}.`);
  }
}

/** One operation, and where it stands. */
export interface Operation {
  readonly id: string;
  readonly path: string;
  readonly method: string;
  readonly item: Node;
  readonly operation: Node;
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;

/** Whether a value is an object. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

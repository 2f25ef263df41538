import { BrokerError } from '../../kernel/broker-error.js';

/** One field that is at fault. */
export interface FieldProblem {
  /** JSON pointer into a body, or the name of a parameter; empty for the whole. */
  readonly field: string;
  readonly message: string;
  readonly path: readonly string[];
}

/** What a schema has against a value (Standard Schema; the keys are zod's). */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly keys?: readonly string[];
}

const MAX_PROBLEMS = 20;
const MAX_NAME = 64;

/** A request that is well formed, and of which one or more fields are not valid. */
export class InvalidRequest extends BrokerError {
  constructor(readonly problems: readonly FieldProblem[]) {
    const [first] = problems;
    super('request_invalid', {
      ...(first === undefined ? {} : { detail: first.message, field: first.field }),
    });
  }
}

/** The refusal that a failed schema makes; messages name fields and expectations, never values. */
export function invalidRequest(issues: readonly SchemaIssue[]): InvalidRequest {
  return new InvalidRequest(issues.flatMap(problemsOf).slice(0, MAX_PROBLEMS));
}

function problemsOf(issue: SchemaIssue): FieldProblem[] {
  const path = (issue.path ?? []).map((part) =>
    String(typeof part === 'object' ? part.key : part).slice(0, MAX_NAME),
  );
  if (issue.keys !== undefined)
    return issue.keys.map((key) => {
      const unknown = [...path, key.slice(0, MAX_NAME)];
      return { path: unknown, field: unknown.join('.'), message: 'is not a field that is known here' };
    });
  return [{ path, field: path.join('.'), message: issue.message.slice(0, 500) }];
}

import { isDeepStrictEqual } from 'node:util';
import { compileCel, type CelCondition } from '../../grant/cel.js';
import type { GrantedTool } from '../../grant/granted-tool.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { isObject } from './closed-schema.js';
import { valueOf } from './declared-parameters.js';
import { escapePointer } from './json-schemas.js';
import { parameterRefused } from './path-segment.js';
import type { NormalizedArguments } from './tool-arguments.js';

interface Place {
  readonly pointer: string;
  readonly keys: readonly string[];
}

/** What a grant leaves of a tool: constants that are forced, values to choose from, and a condition over the rest. */
export interface Narrowing {
  /** The arguments with every constant in its place; `parameter_refused` where the caller says something else. */
  forced(args: NormalizedArguments): NormalizedArguments;
  /** Refuses with `parameter_refused` arguments that the grant does not allow. */
  check(args: NormalizedArguments): void;
}

// Texts of a request are longer than those of a token: a prompt, a document.
const BOUNDS = { listMembers: 10_000, characters: 1_048_576 };

/**
 * Compiles what a grant says of one of its tools; `request_invalid` with a pointer below the tool for what it cannot
 * be. A value that has to be one of a list has to be there: what a provider makes of its absence, nobody granted.
 */
export function compileNarrowing(granted: GrantedTool): Narrowing {
  const constants = Object.entries(granted.constants ?? {}).map(([pointer, value]) => ({
    ...placeOf('constants', pointer),
    value,
  }));
  const allowed = Object.entries(granted.allow ?? {}).map(([pointer, values]) => ({
    ...placeOf('allow', pointer),
    values,
  }));
  const condition = granted.cel === undefined ? undefined : conditionOf(granted.cel);
  return {
    forced: (args) =>
      constants.reduce((left, { keys, value, pointer }) => put(left, keys, value, pointer), args),
    check: (args) => {
      for (const { keys, values, pointer } of allowed)
        if (!isAllowed(read(args, keys), values))
          throw parameterRefused(pointer, 'is not one of the values that the grant allows');
      if (condition === undefined) return;
      if (!condition.evaluate({ ...args, body: args.body ?? {} }).matched)
        throw new BrokerError('parameter_refused', { detail: 'the condition of the grant does not hold' });
    },
  };
}

function conditionOf(expression: string): CelCondition {
  try {
    return compileCel(expression, 'args', BOUNDS);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new BrokerError('request_invalid', { field: '/cel', detail: error.message });
  }
}

function placeOf(field: string, pointer: string): Place {
  const [first, place, ...rest] = pointer
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const isNamed = place === 'body' || rest.length === 1;
  if (first !== '' || !['path', 'query', 'header', 'body'].includes(place ?? '') || !isNamed)
    throw new BrokerError('request_invalid', {
      field: `/${field}/${escapePointer(pointer)}`,
      detail: 'is not a pointer such as /path/NAME, /query/NAME, /header/NAME or /body/MEMBER',
    });
  return {
    pointer,
    keys: [place ?? '', ...(place === 'header' ? rest.map((key) => key.toLowerCase()) : rest)],
  };
}

function read(args: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((at, key) => (isObject(at) ? valueOf(at, key) : undefined), args);
}

/** A copy with the value in its place; only what lies on the way there is copied. */
function put<T extends object>(at: T, keys: readonly string[], value: unknown, pointer: string): T {
  const [key = '', ...rest] = keys;
  const present = valueOf(at as Readonly<Record<string, unknown>>, key);
  if (rest.length === 0) {
    if (present !== undefined && !isDeepStrictEqual(present, value))
      throw parameterRefused(pointer, 'is fixed by the grant to another value');
    return { ...at, [key]: value };
  }
  if (present !== undefined && !isObject(present))
    throw parameterRefused(pointer, 'stands in something that is not an object');
  return { ...at, [key]: put(present ?? {}, rest, value, pointer) };
}

/** A list is allowed when each of its members is; an empty one is no choice. */
function isAllowed(value: unknown, allowed: readonly unknown[]): boolean {
  if (allowed.some((each) => isDeepStrictEqual(each, value))) return true;
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((member) => allowed.some((each) => isDeepStrictEqual(each, member)))
  );
}

import { Environment, type ParseResult } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import type { Claims } from './claim-path.js';

/** What an expression answered. An evaluation that fails is not a match, and says why. */
export interface CelResult {
  readonly matched: boolean;
  readonly error?: string;
}

/** A compiled expression over one variable, `claims` unless it was compiled for another. */
export interface CelCondition {
  readonly expression: string;
  evaluate(claims: Claims): CelResult;
}

/** The bounds of an expression and of what it may look at. */
export const CEL_BOUNDS = {
  expressionCharacters: 2_048,
  nodes: 256,
  depth: 32,
  listElements: 64,
  patternCharacters: 256,
  /** Longest list and text in the claims; a token with more is not a match. */
  claimListMembers: 512,
  claimCharacters: 8_192,
} as const;

// What may be called. Whatever could grow a value (`map`, `join`, `cel.bind`), read the time or hide a type stays out,
// so one evaluation costs at most nodes × list members.
const ALLOWED_CALLS = new Set(['has', 'size', 'type']);
const ALLOWED_METHODS = new Set(['matches', 'startsWith', 'endsWith', 'contains', 'size', 'lowerAscii']);
const ALLOWED_LOOPS = new Set(['exists', 'all', 'exists_one']);
/** cel-js's own `matches` backtracks; calls of it are turned into calls of this. */
const FULL_MATCH = 'matchesEntirely';

interface Node {
  op: string;
  args: unknown;
}

/** How long the lists and texts may be that an expression looks at. */
export interface ValueBounds {
  readonly listMembers: number;
  readonly characters: number;
}
const CLAIM_BOUNDS: ValueBounds = {
  listMembers: CEL_BOUNDS.claimListMembers,
  characters: CEL_BOUNDS.claimCharacters,
};

/**
 * Compiles a CEL expression that must answer a boolean; throws a `TypeError` that says what is wrong. `matches` takes
 * a literal RE2 pattern, runs in linear time and must match the whole text, unlike standard CEL: a pattern that was
 * meant to be anchored and is not would let strangers in. `variable` names what it may look at.
 */
export function compileCel(
  expression: string,
  variable = 'claims',
  bounds: ValueBounds = CLAIM_BOUNDS,
): CelCondition {
  if (expression.trim() === '') throw new TypeError('is empty');
  if (expression.length > CEL_BOUNDS.expressionCharacters)
    throw new TypeError(`is longer than ${CEL_BOUNDS.expressionCharacters} characters`);
  const patterns = new Map<string, RE2JS>();
  const parsed = parse(expression, variable, patterns);
  restrict(parsed.ast, patterns, 0);
  const checked = parsed.check();
  if (!checked.valid) throw new TypeError(firstLine(checked.error));
  if (checked.type !== 'bool')
    throw new TypeError(`answers ${checked.type ?? 'something unknown'}, not a boolean; compare with ==`);
  return { expression, evaluate: (claims) => evaluate(parsed, variable, claims, bounds) };
}

function parse(expression: string, variable: string, patterns: ReadonlyMap<string, RE2JS>): ParseResult {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    limits: {
      maxAstNodes: CEL_BOUNDS.nodes,
      maxDepth: CEL_BOUNDS.depth,
      maxListElements: CEL_BOUNDS.listElements,
      maxMapEntries: 0,
      maxCallArguments: 4,
    },
  });
  environment.registerVariable(variable, 'map<string, dyn>');
  environment.registerFunction(`string.${FULL_MATCH}(string): bool`, (text: string, pattern: string) => {
    const compiled = patterns.get(pattern);
    if (compiled === undefined) throw new Error('a pattern that was not compiled');
    return compiled.matches(text);
  });
  try {
    return environment.parse(expression);
  } catch (error) {
    throw new TypeError(firstLine(error), { cause: error });
  }
}

/** Refuses every call that is not listed, nested loops and patterns that are not literals; redirects `matches`. */
function restrict(node: unknown, patterns: Map<string, RE2JS>, loops: number): void {
  if (Array.isArray(node)) {
    for (const part of node) restrict(part, patterns, loops);
    return;
  }
  if (!isNode(node)) return;
  let inside = loops;
  if (node.op === 'call' || node.op === 'rcall') {
    const args = node.args as unknown[];
    const name = String(args[0]);
    if (node.op === 'rcall' && ALLOWED_LOOPS.has(name)) {
      inside += 1;
      if (inside > 1) throw new TypeError(`${name}() stands inside another loop`);
    } else if (!(node.op === 'call' ? ALLOWED_CALLS : ALLOWED_METHODS).has(name)) {
      throw new TypeError(`${name}() may not be used here`);
    }
    if (node.op === 'rcall' && name === 'matches') {
      compileLiteral(args[2], patterns);
      args[0] = FULL_MATCH;
    }
  }
  restrict(node.args, patterns, inside);
}

function compileLiteral(args: unknown, patterns: Map<string, RE2JS>): void {
  const literal: unknown = Array.isArray(args) ? args[0] : undefined;
  if (!isNode(literal) || literal.op !== 'value' || typeof literal.args !== 'string')
    throw new TypeError('matches() takes a pattern written out here, never one from a claim');
  const pattern = literal.args;
  if (pattern === '' || pattern.length > CEL_BOUNDS.patternCharacters)
    throw new TypeError(`a pattern has 1 to ${CEL_BOUNDS.patternCharacters} characters`);
  try {
    patterns.set(pattern, RE2JS.compile(pattern));
  } catch (error) {
    throw new TypeError(`matches(): ${firstLine(error)}`, { cause: error });
  }
}

function evaluate(parsed: ParseResult, variable: string, claims: Claims, bounds: ValueBounds): CelResult {
  if (!withinBounds(claims, bounds))
    return { matched: false, error: 'the token has longer lists or texts than are evaluated' };
  try {
    const answer: unknown = parsed({ [variable]: claims });
    return answer === true
      ? { matched: true }
      : answer === false
        ? { matched: false }
        : { matched: false, error: 'did not answer a boolean' };
  } catch (error) {
    return { matched: false, error: firstLine(error) };
  }
}

/** Whether lists and texts in it are short enough to be evaluated. */
export function withinBounds(value: unknown, bounds: ValueBounds = CLAIM_BOUNDS): boolean {
  if (typeof value === 'string') return value.length <= bounds.characters;
  if (typeof value !== 'object' || value === null) return true;
  const members = Object.values(value);
  return members.length <= bounds.listMembers && members.every((member) => withinBounds(member, bounds));
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

/** Only the first line of cel-js's message says what is wrong; the rest draws the expression. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

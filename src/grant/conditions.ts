import { BrokerError } from '../kernel/broker-error.js';
import { pointer } from '../credential/spec.js';
import { compileCel, type CelCondition } from './cel.js';
import { checkClaimPath, readClaim, type Claims } from './claim-path.js';
import { compilePattern, described, type ClaimPattern, type WantedValue } from './claim-pattern.js';
import type { GrantSpec } from './grant-spec.js';

/** How one clause of a grant's conditions went, for the operator; it shows the claim that it names and no other. */
export interface ClauseResult {
  /** JSON pointer to the clause in the spec. */
  readonly clause: string;
  readonly matched: boolean;
  /** Any of these values, or the CEL expression. */
  readonly wanted: readonly WantedValue[];
  /** What the token says there, cut to a line; absent for CEL. */
  readonly found?: string;
  /** Where the nearest of the wanted values differs. */
  readonly nearest?: { readonly wanted: WantedValue; readonly differs: string };
  /** Why an expression could not be evaluated, which counts as not matched. */
  readonly error?: string;
}

/** The conditions of one version of a grant, ready to ask. There is no such thing without a condition. */
export interface Conditions {
  matches(claims: Claims): boolean;
  /** Every clause, also after the first that fails. */
  judge(claims: Claims): readonly ClauseResult[];
}

interface ClaimClause {
  readonly field: string;
  readonly path: string;
  readonly patterns: readonly ClaimPattern[];
}

/**
 * Compiles the conditions of a grant; refuses with `grant_conditions_invalid` and the field that is at fault. Every
 * clause must match: a claim by any of its wanted values, a claim that is a list by any of its members, a claim that
 * is missing by nothing. Conditions without a claim are refused, since they would match everybody.
 */
export function compileConditions(workload: GrantSpec['workload']): Conditions {
  const entries = Object.entries(workload.claims);
  if (entries.length === 0)
    throw invalid(['workload', 'claims'], new TypeError('names no claim, so it would match everybody'));
  const clauses = entries.map(([path, wanted]) => compileClause(path, wanted));
  const { cel } = workload;
  const condition = cel === undefined ? undefined : checked(['workload', 'cel'], () => compileCel(cel));
  return {
    matches: (claims) =>
      clauses.every((clause) => clauseMatches(clause, claims)) &&
      (condition?.evaluate(claims).matched ?? true),
    judge: (claims) => [
      ...clauses.map((clause) => judgeClause(clause, claims)),
      ...(condition === undefined ? [] : [judgeCel(condition, claims)]),
    ],
  };
}

function compileClause(path: string, wanted: WantedValue | readonly WantedValue[]): ClaimClause {
  const field = ['workload', 'claims', path];
  checked(field, () => checkClaimPath(path));
  const values: readonly WantedValue[] = typeof wanted === 'object' ? wanted : [wanted];
  return {
    field: pointer(field),
    path,
    patterns: values.map((value, index) =>
      checked(typeof wanted === 'object' ? [...field, index] : field, () => compilePattern(value)),
    ),
  };
}

function clauseMatches({ patterns, path }: ClaimClause, claims: Claims): boolean {
  const found = readClaim(claims, path);
  const candidates: readonly unknown[] = Array.isArray(found) ? found : [found];
  return candidates.some((value) => patterns.some((pattern) => pattern.matches(value)));
}

function judgeClause({ field, patterns, path }: ClaimClause, claims: Claims): ClauseResult {
  const found = readClaim(claims, path);
  const candidates: readonly unknown[] = Array.isArray(found) ? found : [found];
  const wanted = patterns.map((pattern) => pattern.wanted);
  const tried = candidates.flatMap((value) =>
    patterns.map((pattern) => ({ value, wanted: pattern.wanted, ...pattern.distance(value) })),
  );
  const best = tried.reduce<(typeof tried)[number] | undefined>(
    (nearest, next) =>
      nearest === undefined || (!nearest.matched && (next.matched || next.agreeing > nearest.agreeing))
        ? next
        : nearest,
    undefined,
  );
  const base = { clause: field, wanted, found: described(best === undefined ? found : best.value) };
  if (best?.matched === true) return { ...base, matched: true };
  return {
    ...base,
    matched: false,
    ...(best === undefined ? {} : { nearest: { wanted: best.wanted, differs: best.differs ?? 'differs' } }),
  };
}

function judgeCel(condition: CelCondition, claims: Claims): ClauseResult {
  const result = condition.evaluate(claims);
  return {
    clause: '/workload/cel',
    wanted: [condition.expression],
    matched: result.matched,
    ...(result.error === undefined ? {} : { error: result.error }),
  };
}

function checked<T>(field: readonly PropertyKey[], compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    throw invalid(field, error);
  }
}

function invalid(field: readonly PropertyKey[], error: unknown): BrokerError {
  const detail = error instanceof TypeError ? error.message : 'does not compile';
  return new BrokerError('grant_conditions_invalid', { field: pointer(field), detail, cause: error });
}

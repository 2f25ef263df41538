import { RE2JS } from 're2js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Detector, ScrubSpec } from '../tool/tool-spec.js';

/** A pattern of a tool, compiled; runs in linear time. */
export interface ScrubPattern {
  /** `pattern/NAME`, as findings and replaced places say it. */
  readonly kind: string;
  readonly expression: RE2JS;
}

/** What a tool wants looked for, compiled once. */
export interface ScrubPlan {
  readonly detectors: ReadonlySet<Detector>;
  readonly patterns: readonly ScrubPattern[];
  /** Whether what cannot be looked into is passed on. */
  readonly allowUnreadable: boolean;
}

/** Texts that no pattern may match nothing in: such a one would redact between all characters. */
const PROBES = ['', 'a', 'A1 b-2_c', ' ', '\n', '"', '0', 'é'];

/**
 * Compiles the scrub rules of a tool. Throws `request_invalid` with a JSON pointer for a pattern that is not RE2
 * syntax, that matches nothing, or whose name is taken.
 */
export function compileScrub(spec: ScrubSpec): ScrubPlan {
  const names = new Set<string>();
  const patterns = spec.patterns.map(({ name, pattern }, index) => {
    if (names.has(name)) throw invalid(`/scrub/patterns/${index}/name`, 'is the name of another pattern');
    names.add(name);
    return { kind: `pattern/${name}`, expression: compile(pattern, `/scrub/patterns/${index}/pattern`) };
  });
  return {
    detectors: new Set(spec.detectors),
    patterns,
    allowUnreadable: spec.unreadable === 'allow',
  };
}

function compile(pattern: string, field: string): RE2JS {
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(pattern);
  } catch (cause) {
    throw invalid(field, 'is not RE2 syntax', cause);
  }
  for (const probe of PROBES) {
    const matcher = expression.matcher(probe);
    while (matcher.find()) {
      if (matcher.start() === matcher.end()) throw invalid(field, 'matches nothing at all');
    }
  }
  return expression;
}

function invalid(field: string, detail: string, cause?: unknown): BrokerError {
  return new BrokerError('request_invalid', { field, detail, cause });
}

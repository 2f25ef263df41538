import { BrokerError } from '../../../kernel/broker-error.js';
import type { Finding } from '../../scrub/finding.js';

/** The kinds of what was found, for a detail: never the thing itself. */
export function kindsOf(findings: readonly Finding[]): string {
  return [...new Set(findings.map(({ kind }) => kind))].join(', ');
}

/** Refuses with `response_blocked` an answer in which something was found that the tool does not let in. */
export function refuseBlocked(blocked: boolean, findings: readonly Finding[]): void {
  if (!blocked) return;
  throw new BrokerError('response_blocked', {
    detail: `the answer carries what must not come in: ${kindsOf(findings)}`,
  });
}

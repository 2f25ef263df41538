import { describe, expect, it } from 'vitest';
import { conditionOf, leavesGaps, type AuditFilters } from '../../../src/audit/audit-filters.js';
import { hasCode } from '../../../src/kernel/broker-error.js';

const hmac = (value: string): string => `hmac of ${value}`;

describe('filters of events', () => {
  it.each<[string, AuditFilters, string]>([
    ['an id of a run that is none', { runRef: '42' }, 'run_ref'],
    ['an id of a lease that is none', { lease: "' OR true --" }, 'lease'],
    ['no kind at all', { kinds: [] }, 'kind'],
    ['a time that is none', { from: new Date('x') }, 'from'],
    ['an end that is none', { to: new Date('x') }, 'to'],
    ['a negative index', { fromIndex: -1 }, 'from_index'],
    ['half an index', { toIndex: 0.5 }, 'to_index'],
  ])('%s is refused, and not answered with nothing', (_, filters, field) => {
    try {
      conditionOf(filters, hmac);
      expect.unreachable();
    } catch (error) {
      expect(hasCode(error, 'request_invalid') && error.field).toBe(field);
    }
  });

  it('values never become SQL', () => {
    const { sql, parameters } = conditionOf({ run: "'; DROP TABLE x; --", account: 'u', grant: "g'" }, hmac);
    expect(sql).not.toContain('DROP');
    expect(parameters).toEqual(["'; DROP TABLE x; --", "g'", 'hmac of u']);
  });

  it('no filter means everything', () => {
    expect(conditionOf({}, hmac)).toEqual({ sql: 'true', parameters: [] });
  });

  it('only bounds of the index leave no gaps', () => {
    expect(leavesGaps({})).toBe(false);
    expect(leavesGaps({ fromIndex: 3, toIndex: 9, run: undefined })).toBe(false);
    expect(leavesGaps({ fromIndex: 3, run: '42' })).toBe(true);
    expect(leavesGaps({ from: new Date(0) })).toBe(true);
  });
});

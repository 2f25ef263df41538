import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { EVENT_KINDS } from '../../../src/audit/catalogue.js';
import { actorText, chapterOf, sentenceOf } from '../../../src/audit/story/sentence.js';

describe('sentences', () => {
  it.each(Object.keys(EVENT_KINDS))('%s can be told with nothing but its kind', (kind) => {
    expect(sentenceOf({ kind })).toMatch(/\.$/);
    expect(sentenceOf({ kind, data: {} })).not.toContain('undefined');
    expect(chapterOf(kind)).toMatch(/^[a-z]+$/);
  });

  it('never throw, whatever is in a leaf', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(EVENT_KINDS)),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.jsonValue(),
        (kind, event, data) => {
          expect(typeof sentenceOf({ ...event, kind, data })).toBe('string');
          expect(typeof actorText(event)).toBe('string');
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });

  it('say what matters', () => {
    expect(
      sentenceOf({
        kind: 'lease.ended',
        credential: 'payments-kv',
        data: { state: 'revoked', cause: 'run_closed', proof: 'accessor_gone', secret_lives_on: true },
      }),
    ).toBe('payments-kv ended (revoked, run closed); proof: accessor gone. The secret itself still works.');
    expect(
      sentenceOf({
        kind: 'call.refused',
        code: 'budget_exhausted',
        tool: { name: 'chat' },
        data: { check: 'budget' },
      }),
    ).toBe('Call of chat was refused by budget: budget_exhausted.');
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { negatives, positives, type Sample } from './corpus/corpus.js';
import { scrubbed } from './parts.js';

/** What came of a kind, over the whole corpus. */
interface Score {
  found: number;
  missed: number;
  wrong: number;
}

const LIMITS = { recall: 0.99, precision: 0.99 };
/** One number of sixteen digits in about a hundred is a card by every sign that a number can give. */
const CARD_PRECISION = 0.96;

const scores = new Map<string, Score>();
const failures: string[] = [];
let wrongSamples = 0;

function score(kind: string): Score {
  const known = scores.get(kind) ?? { found: 0, missed: 0, wrong: 0 };
  scores.set(kind, known);
  return known;
}

/** Detector of a kind: `key` for all of `key/…`. */
function detector(kind: string): string {
  return kind.replace(/\/.*/, '');
}

function judge({ kind, name, body, contentType, value }: Sample): void {
  const { text, findings } = scrubbed(body, contentType);
  const kinds = findings.map((finding) => finding.kind);
  if (kind !== undefined) {
    const gone = kinds.includes(kind) && !text.includes(value);
    score(detector(kind))[gone ? 'found' : 'missed'] += 1;
    if (!gone) failures.push(`missed ${kind} (${name}): ${body.slice(0, 200)} -> ${text.slice(0, 200)}`);
  }
  const wrong = kinds.filter((found) => found !== kind);
  for (const found of wrong) {
    score(detector(found)).wrong += 1;
    failures.push(`wrong ${found} (${name}): ${body.slice(0, 200)}`);
  }
  if (kind === undefined && wrong.length > 0) wrongSamples += 1;
}

describe('the corpus', () => {
  const found = positives();
  const alike = negatives();

  beforeAll(() => {
    for (const sample of [...found, ...alike]) judge(sample);
    const table = [...scores].map(([kind, { found: right, missed, wrong }]) => ({
      detector: kind,
      samples: right + missed,
      recall: (right / (right + missed)).toFixed(4),
      precision: (right / (right + wrong)).toFixed(4),
      wrong,
    }));
    console.log(
      `corpus: ${found.length} values, ${alike.length} look-alikes, ${wrongSamples} of which were taken for something`,
    );
    console.table(table);
  });

  it('has the composition that its README says', () => {
    const byDetector = Object.fromEntries(
      ['email', 'card', 'iban', 'key'].map((name) => [
        name,
        found.filter(({ kind }) => detector(kind ?? '') === name).length,
      ]),
    );
    expect({ ...byDetector, lookAlikes: alike.length }).toMatchInlineSnapshot(`
      {
        "card": 312,
        "email": 130,
        "iban": 520,
        "key": 429,
        "lookAlikes": 2054,
      }
    `);
  });

  it.each(['email', 'iban', 'key', 'card'])('has its values of %s found, and little else', (name) => {
    const { found: right, missed, wrong } = score(name);
    const relevant = failures
      .filter((line) => line.includes(name))
      .slice(0, 20)
      .join('\n');
    expect(right / (right + missed), relevant).toBeGreaterThanOrEqual(LIMITS.recall);
    expect(right / (right + wrong), relevant).toBeGreaterThanOrEqual(
      name === 'card' ? CARD_PRECISION : LIMITS.precision,
    );
  });
});

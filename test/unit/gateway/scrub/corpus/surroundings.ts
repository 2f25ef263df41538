import type { Draw } from './draw.js';

/** Puts a value where providers put such values. */
export interface Surroundings {
  readonly name: string;
  readonly contentType: string;
  readonly around: (value: string, draw: Draw) => string;
}

const JSON_TYPE = 'application/json';

export const SURROUNDINGS: readonly Surroundings[] = [
  json('member of an object', (value, draw) => ({ id: draw.below(1e6), value, note: draw.words(4) })),
  json('in a sentence', (value, draw) => ({ text: `${draw.words(5)} ${value}, ${draw.words(3)}.` })),
  json('after a line break', (value, draw) => [`${draw.words(3)}\n${value}\n${draw.words(2)} "quoted"`]),
  json('JSON in a string', (value, draw) => ({
    payload: JSON.stringify({ to: value, subject: draw.words(2) }),
  })),
  json('JSON in a string in a string', (value) => ({
    body: JSON.stringify({ payload: JSON.stringify({ value }) }),
  })),
  json('base64 of JSON', (value, draw) => ({
    cursor: Buffer.from(JSON.stringify({ page: draw.below(100), value })).toString('base64'),
  })),
  json('percent-encoded in a URL', (value) => ({
    next: `https://api.example.com/v1/search?q=${encodeURIComponent(value)}&limit=10`,
  })),
  {
    name: 'all of it escaped',
    contentType: JSON_TYPE,
    around: (value) =>
      `{"v":"${value
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join('')}"}`,
  },
  {
    name: 'sentence',
    contentType: 'text/plain',
    around: (value, draw) => `${draw.words(6)} ${value} ${draw.words(6)}.`,
  },
  {
    name: 'comma-separated values',
    contentType: 'text/csv',
    around: (value, draw) => `id,value,note\n${draw.below(100)},${value},${draw.words(2)}\n`,
  },
  {
    name: 'HTML',
    contentType: 'text/html',
    around: (value, draw) =>
      `<td class="cell">${value.replaceAll("'", '&#39;')}</td><td>${draw.words(2)}</td>`,
  },
  {
    name: 'setting',
    contentType: 'text/plain',
    around: (value, draw) => `NAME=${draw.words(1)}\nVALUE="${value}"\nOTHER=1\n`,
  },
  {
    name: 'log line',
    contentType: 'text/plain',
    around: (value, draw) => `2026-11-21T05:00:00.123Z INFO [${draw.words(1)}] value=${value} status=200`,
  },
];

function json(name: string, of: (value: string, draw: Draw) => unknown): Surroundings {
  return { name, contentType: JSON_TYPE, around: (value, draw) => JSON.stringify(of(value, draw)) };
}

import { decodeText, encodeText, scalarText } from './path-segment.js';
import { isObject } from './closed-schema.js';

const DEEPEST = 8;
const MOST_FIELDS = 2_000;

/** A form body whose names nest in brackets (`a[b][0]=c`), as PHP, Rails and Stripe read it. */
export function encodeForm(value: unknown): string {
  const pairs: string[] = [];
  const add = (name: string, at: unknown, depth: number): void => {
    if (at === undefined) return;
    if (depth > DEEPEST) throw new TypeError(`is nested deeper than ${DEEPEST}`);
    if (Array.isArray(at)) at.forEach((each, index) => add(`${name}[${index}]`, each, depth + 1));
    else if (isObject(at))
      for (const [key, each] of Object.entries(at)) {
        if (/[[\]]/.test(key)) throw new TypeError('has a bracket in the name of a field');
        add(name === '' ? key : `${name}[${key}]`, each, depth + 1);
      }
    else {
      const text = at === null ? '' : scalarText(at);
      if (text === undefined || name === '') throw new TypeError('is not an object of texts and numbers');
      pairs.push(`${encodeText(name)}=${encodeText(text)}`);
    }
  };
  add('', value, 0);
  return pairs.join('&');
}

/** Reads such a form into objects and lists; throws a `TypeError` where two fields contradict each other. */
export function decodeForm(text: string): Record<string, unknown> {
  const root: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const pairs = text.split('&').filter((pair) => pair !== '');
  if (pairs.length > MOST_FIELDS) throw new TypeError(`has more than ${MOST_FIELDS} fields`);
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = decodePlus(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? '' : decodePlus(pair.slice(at + 1));
    if (name === undefined || value === undefined) throw new TypeError('is not well-formed UTF-8');
    put(root, keysOf(name), value);
  }
  return lists(root) as Record<string, unknown>;
}

function decodePlus(text: string): string | undefined {
  return decodeText(text.replaceAll('+', ' '));
}

function keysOf(name: string): readonly string[] {
  const [, first = '', rest = ''] = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name) ?? [];
  const keys = [first, ...[...rest.matchAll(/\[([^[\]]*)\]/g)].map(([, key = '']) => key)];
  if (first === '' || keys.length > DEEPEST) throw new TypeError('has a field whose name is not understood');
  if (keys.includes('__proto__')) throw new TypeError('has a field that no form has');
  return keys;
}

/** Everything is an object at first; `[]` counts on. */
function put(root: Record<string, unknown>, keys: readonly string[], value: string): void {
  let at = root;
  for (const [index, key] of keys.entries()) {
    const name = key === '' ? String(Object.keys(at).length) : key;
    if (index === keys.length - 1) {
      if (Object.hasOwn(at, name)) throw new TypeError('has a field twice');
      at[name] = value;
      return;
    }
    const next = (at[name] ??= Object.create(null) as unknown);
    if (typeof next !== 'object' || next === null) throw new TypeError('has a field that is also a group');
    at = next as Record<string, unknown>;
  }
}

/** Objects whose names are 0, 1, 2 … become lists; the others ordinary objects. */
function lists(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, lists(each)] as const);
  const numbered = entries.length > 0 && entries.every(([key], index) => key === String(index));
  return numbered ? entries.map(([, each]) => each) : Object.fromEntries(entries);
}

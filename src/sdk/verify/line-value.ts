import type { Line, Members } from './export-lines.js';

/** The JSON object that a line is; undefined, and said, when it is none. */
export function membersOf(line: Line, found: (problem: string) => void): Members | undefined {
  if (line.text === undefined) {
    found('the line is no text (UTF-8), or longer than a line of an export can be');
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch {
    found('the line is not JSON');
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    found('the line is not a JSON object');
    return undefined;
  }
  if (JSON.stringify(value) !== line.text) found('the line is not written as an export writes it');
  return value as Members;
}

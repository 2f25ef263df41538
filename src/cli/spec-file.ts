import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { usageError } from './cli-error.js';
import type { Invocation } from './invocation.js';

/** Text of a file, or of standard input for `-`. */
export async function readInput(invocation: Invocation, file: string): Promise<string> {
  return file === '-' ? text(invocation.surrounding.stdin) : readFile(file, 'utf8');
}

/** The grant or credential in the file of `--file`: one mapping in YAML or JSON. */
export async function readSpec<T extends { readonly name: string }>(invocation: Invocation): Promise<T> {
  const file = invocation.text('file') ?? '-';
  const where = file === '-' ? 'standard input' : file;
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(await readInput(invocation, file), { maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof Error && 'path' in error) throw error;
    throw usageError(
      `${where} is neither YAML nor JSON: ${error instanceof Error ? firstLine(error.message) : 'unreadable'}`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usageError(`${where} does not hold one mapping.`);
  }
  // Not checked here: the broker does, and names every field that is wrong.
  return value as T;
}

/** Which thing a change is about: the word given, or else the name in the file. */
export function nameOf(word: string | undefined, spec: { readonly name?: unknown }): string {
  const name = word ?? spec.name;
  if (typeof name !== 'string' || name === '')
    throw usageError('Neither the command line nor the file names what to change.');
  return name;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

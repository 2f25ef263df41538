import type { Command } from 'commander';
import { Output } from './output.js';
import type { OutputStreams } from './terminal.js';

/** What the program takes from its process. */
export interface Surrounding extends OutputStreams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** One use of a command: its words, its options, and where it prints. */
export class Invocation {
  readonly output: Output;
  readonly environment: Surrounding['environment'];
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(
    command: Command,
    /** The command's arguments, in order; a variadic one is flattened. */
    readonly words: readonly string[],
    readonly surrounding: Surrounding,
  ) {
    this.environment = surrounding.environment;
    this.#options = optionsOf(command);
    this.output = new Output(surrounding, this.flag('json'), this.environment);
  }

  /** A word that the command requires. */
  word(index: number): string {
    const word = this.words[index];
    if (word === undefined) throw new Error(`the command has no argument ${index}`);
    return word;
  }

  flag(name: string): boolean {
    return this.#options[name] === true;
  }

  /** An option's text; `undefined` when it was not given. */
  text(name: string): string | undefined {
    const value = this.#options[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** An option that can be given several times. */
  texts(name: string): readonly string[] {
    const value = this.#options[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** An option that the definition parses to a number. */
  number(name: string): number | undefined {
    const value = this.#options[name];
    return typeof value === 'number' ? value : undefined;
  }

  /** An option's text, or else that variable's; empty counts as absent. */
  textOr(name: string, variable: string): string | undefined {
    return this.text(name) ?? (this.environment[variable] || undefined);
  }

  /** Address of the broker. */
  get url(): string {
    return this.textOr('url', 'LEASEGATE_URL') ?? 'http://127.0.0.1:8480';
  }
}

/** Options of the command and, where it has none of that name, of those above it. */
function optionsOf(command: Command): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const [name, value] of Object.entries(at.opts())) options[name] ??= value;
  }
  return options;
}

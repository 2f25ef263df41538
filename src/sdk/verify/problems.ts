import type { ExportProblem } from './export-verification.js';

/** What was found, in the order in which it stands in the file. */
export class Problems {
  /** The line that is being checked, from 1. */
  line = 0;
  readonly #listed: ExportProblem[] = [];
  #count = 0;

  /** Of which at most `most` are listed; the rest is counted. */
  constructor(private readonly most = 100) {}

  get listed(): readonly ExportProblem[] {
    return this.#listed;
  }

  get count(): number {
    return this.#count;
  }

  /** Something is wrong with a file of a folder or an archive. */
  foundIn(file: string, problem: string, index?: number): void {
    this.#add({ line: 0, file, ...(index !== undefined && { index }), problem });
  }

  /** Something is wrong: with the line that is being checked, unless another is named, or 0 for the whole file. */
  found(problem: string, index?: number, line = this.line): void {
    this.#add({ line, ...(index !== undefined && { index }), problem });
  }

  /** What was found elsewhere: those that were listed there, of so many. */
  take(listed: readonly ExportProblem[], count: number): void {
    this.#listed.push(...listed.slice(0, Math.max(0, this.most - this.#listed.length)));
    this.#count += count;
  }

  #add(problem: ExportProblem): void {
    this.#count += 1;
    if (this.#listed.length < this.most) this.#listed.push(problem);
  }
}

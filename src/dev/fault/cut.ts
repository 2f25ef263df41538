/**
 * When a connection is cut: `before` the request reaches the other side; `after` it did its work and before its answer
 * comes through; or `silent`, which is `after` with a connection that stays open and says nothing any more.
 */
export type CutMoment = 'before' | 'after' | 'silent';

/** A cut that was asked for. */
export interface ArmedCut {
  /** Resolves when it happened. */
  readonly happened: Promise<void>;
  /** It does not happen any more, if it has not yet. */
  disarm(): void;
}

/** Cuts that wait for the request they are for; each happens once. */
export class Cuts<Rule> {
  readonly #waiting: { readonly rule: Rule; readonly done: () => void }[] = [];

  arm(rule: Rule): ArmedCut {
    let done: () => void = () => undefined;
    const happened = new Promise<void>((resolve) => (done = resolve));
    const entry = { rule, done };
    this.#waiting.push(entry);
    return { happened, disarm: () => this.#remove(entry) };
  }

  /** Takes the first that fits. */
  take(fits: (rule: Rule) => boolean): Rule | undefined {
    const entry = this.#waiting.find(({ rule }) => fits(rule));
    if (entry === undefined) return undefined;
    this.#remove(entry);
    entry.done();
    return entry.rule;
  }

  /** Whether none waits. */
  get none(): boolean {
    return this.#waiting.length === 0;
  }

  #remove(entry: { readonly rule: Rule; readonly done: () => void }): void {
    const index = this.#waiting.indexOf(entry);
    if (index >= 0) this.#waiting.splice(index, 1);
  }
}

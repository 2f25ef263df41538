import { inspect } from 'node:util';
import { timingSafeEqual, createHash } from 'node:crypto';

const REDACTED = '[redacted]';

/**
 * A value that must never reach a log, an event, an error or an answer by accident.
 *
 * Every implicit way out (template string, `JSON.stringify`, `util.inspect`, spread) yields `[redacted]`.
 * Only `vault/`, `gateway/inject` and the answer that delivers a credential may call {@link expose}.
 */
export class Secret<T = string> {
  readonly #value: T;

  private constructor(value: T) {
    this.#value = value;
  }

  /** Wraps a value. Wrapping does not copy: drop the other references. */
  static of<V>(value: V): Secret<V> {
    return new Secret(value);
  }

  /** The plain value. Each call site is a place to review. */
  expose(): T {
    return this.#value;
  }

  /** Constant-time comparison of two string secrets; lengths are hidden by comparing digests. */
  static equal(a: Secret, b: Secret): boolean {
    const digest = (s: Secret): Buffer => createHash('sha256').update(s.expose()).digest();
    return timingSafeEqual(digest(a), digest(b));
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

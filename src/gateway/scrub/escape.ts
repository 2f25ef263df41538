/** One way in which single characters are written as several. */
export interface EscapeKind {
  /** The byte with which each escape begins. */
  readonly lead: number;
  /** Reads the escape at `at`; undefined where none is. May look up to `to`. */
  read(text: string, at: number, to: number): Escape | undefined;
}

/** An escape that was read. */
export interface Escape {
  readonly end: number;
  /** The bytes that it stands for, as latin1. */
  readonly stands: string;
}

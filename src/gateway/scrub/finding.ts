/** Something that was found where it should not be; never the thing itself. */
export interface Finding {
  /** `credential`, a detector's name with its kind (`key/github`, `card`), or `pattern/NAME`. */
  readonly kind: string;
  readonly count: number;
}

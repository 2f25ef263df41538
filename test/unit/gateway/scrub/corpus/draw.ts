export const DIGITS = '0123456789';
export const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const LOWER = 'abcdefghijklmnopqrstuvwxyz';
export const HEX = '0123456789abcdef';
export const ALPHANUMERIC = DIGITS + UPPER + LOWER;
export const URL_SAFE = `${ALPHANUMERIC}_-`;

const WORDS =
  'account answer balance branch build change cluster company contact customer delivery deploy document error event feature gateway harbour invoice issue journal kernel ledger market message network order payment pipeline project quality queue release report request review schedule service session status summary system ticket update version volume window'.split(
    ' ',
  );

/** Draws that look random and are the same in every run (Lehmer, modulus 2^31 - 1). */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return Math.floor((this.#state / 2_147_483_647) * limit);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  text(alphabet: string, length: number): string {
    return Array.from({ length }, () => alphabet.charAt(this.below(alphabet.length))).join('');
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  words(count: number): string {
    return Array.from({ length: count }, () => this.of(WORDS)).join(' ');
  }
}

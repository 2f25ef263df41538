import { randomBytes } from 'node:crypto';
import { Clock } from './clock.js';

/** Where all identifiers and randomness come from, so that tests can make them repeat. */
export abstract class Ids {
  /** A UUID version 7 (RFC 9562 §5.7): unique, and in order of creation to the millisecond. */
  abstract uuid(): string;

  /** Unpredictable bytes. */
  abstract bytes(size: number): Buffer;

  /** A fraction in [0, 1) for jitter; never for anything that must not be guessed. */
  abstract fraction(): number;
}

/** How much is asked of the system at once; each call into it costs more than the bytes do. */
const POOL_BYTES = 4_096;

/** Identifiers from the operating system's random source. */
export class RandomIds extends Ids {
  #pool = Buffer.alloc(0);
  #used = 0;

  constructor(private readonly clock: Clock) {
    super();
  }

  uuid(): string {
    const bytes = this.bytes(16);
    bytes.writeUIntBE(this.clock.now().getTime(), 0, 6);
    bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
    bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  bytes(size: number): Buffer {
    if (size > POOL_BYTES) return randomBytes(size);
    if (this.#used + size > this.#pool.length) {
      this.#pool = randomBytes(POOL_BYTES);
      this.#used = 0;
    }
    const bytes = Buffer.from(this.#pool.subarray(this.#used, this.#used + size));
    // Handed out once: nothing of it stays behind for a later reader of this memory.
    this.#pool.fill(0, this.#used, this.#used + size);
    this.#used += size;
    return bytes;
  }

  fraction(): number {
    return Math.random();
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether text is a lower-case UUID; ask before a query, since Postgres fails on anything else. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

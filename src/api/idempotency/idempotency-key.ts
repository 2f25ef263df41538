import { BrokerError } from '../../kernel/broker-error.js';

const SANE = /^[\x21-\x7e]{1,255}$/;

/** The caller's `Idempotency-Key`: 1 to 255 printable ASCII characters, or none. */
export function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined || SANE.test(header)) return header;
  throw new BrokerError('request_malformed', {
    field: 'Idempotency-Key',
    detail: 'Idempotency-Key is not 1 to 255 printable ASCII characters.',
  });
}

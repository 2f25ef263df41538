import { BrokerError } from '../../kernel/broker-error.js';
import type { HeldCredential } from './held-credential.js';

/** The data of a credential, laid open for the length of one injection. */
export type CredentialFields = Readonly<Record<string, unknown>>;

/** Lays a held credential open. Refuses one whose time is up, with `credential_unusable`. */
export function fieldsOf(held: HeldCredential, now: Date): CredentialFields {
  if (held.usableUntil <= now) throw unusable('its lease has ended');
  return held.data.expose();
}

/** A field that must be there: text, not empty. Refuses with `credential_unusable`, naming the field alone. */
export function textField(fields: CredentialFields, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw unusable(value === undefined ? `it has no field ${name}` : `its field ${name} is not text`);
}

// RFC 9110 §5.5: visible ASCII with spaces and tabs inside. Other bytes are allowed there as obsolete, and read
// differently by different servers.
const FIELD_VALUE = /^[!-~](?:[\t -~]*[!-~])?$/;

/**
 * A field that goes into a header. A line break in it would begin another header, and one at its end is the usual
 * mistake of `echo SECRET | vault kv put`.
 */
export function headerField(fields: CredentialFields, name: string): string {
  const value = textField(fields, name);
  if (FIELD_VALUE.test(value)) return value;
  throw unusable(
    `its field ${name} has a character that no header may carry, perhaps a line break at its end`,
  );
}

/** A `credential_unusable`; the reason names fields and never values. */
export function unusable(reason: string): BrokerError {
  return new BrokerError('credential_unusable', { detail: reason });
}

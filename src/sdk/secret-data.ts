import { inspect } from 'node:util';

/** The fields of a credential. Read them by name; what prints or serialises the whole sees their names only. */
export type SecretData = Readonly<Record<string, unknown>>;

/**
 * Wraps the fields of a credential: `data.password` and `{ ...data }` give plain values, while `console.log(data)`,
 * `util.inspect` and `JSON.stringify` (so also a JSON logger) give `[secret: username, password]`.
 */
export function secretData(fields: Readonly<Record<string, unknown>>): SecretData {
  const label = `[secret: ${Object.keys(fields).join(', ')}]`;
  const redact = { value: () => label, enumerable: false };
  return Object.freeze(
    Object.defineProperties({ ...fields }, { [inspect.custom]: redact, toJSON: redact, toString: redact }),
  );
}

import { Secret } from '../kernel/secret.js';

/** A body as text, and the secrets in it, which no error may repeat. */
export interface ExposedBody {
  readonly text: string | undefined;
  readonly secrets: readonly string[];
}

/** Turns a body into JSON with its secrets in the clear. Only top-level fields may be secrets. */
export function exposeBody(body: Readonly<Record<string, unknown>> | undefined): ExposedBody {
  if (body === undefined) return { text: undefined, secrets: [] };
  const secrets: string[] = [];
  const plain: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(body)) {
    if (value instanceof Secret) {
      const exposed: unknown = value.expose();
      if (typeof exposed === 'string') secrets.push(exposed);
      plain[field] = exposed;
    } else {
      plain[field] = value;
    }
  }
  return { text: JSON.stringify(plain), secrets };
}

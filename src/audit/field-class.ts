/**
 * How far a field of an event may travel. `public` fields are stored as they are; `sensitive` ones as an HMAC,
 * so that equal values can be matched but not read. There is no class for secrets: they have no field.
 */
export type FieldClass = 'public' | 'sensitive';

/** One field of an event kind: its class and the type of its value. */
export interface Field<T, C extends FieldClass = FieldClass> {
  readonly class: C;
  readonly optional: boolean;
  /** Never set; carries the type. */
  readonly type?: T;
}

/** The fields of one kind of event. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** A required field that is stored as it is. */
export function open<T extends JsonValue>(): Field<T> & { readonly optional: false } {
  return { class: 'public', optional: false };
}

/** An optional field that is stored as it is. */
export function maybe<T extends JsonValue>(): Field<T> & { readonly optional: true } {
  return { class: 'public', optional: true };
}

/** An optional identifier of which only an HMAC is stored. */
export function hashed(): Field<string> & { readonly optional: true } {
  return { class: 'sensitive', optional: true };
}

/** What JSON can carry. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The data that an event with these fields takes. */
export type DataOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends { readonly optional: false } ? K : never]: ValueOf<F[K]>;
} & {
  readonly [K in keyof F as F[K] extends { readonly optional: true } ? K : never]?: ValueOf<F[K]> | undefined;
};

type ValueOf<X> = X extends Field<infer T> ? T : never;

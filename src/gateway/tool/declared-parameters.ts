import { BrokerError } from '../../kernel/broker-error.js';
import { escapePointer, type JsonSchemas, type Validator } from './json-schemas.js';
import { parameterRefused } from './path-segment.js';

/** A parameter as a tool's spec declares it. */
export interface Declared {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly required: boolean;
}

/** The parameters of one place (path, query, header), ready to check. */
export class DeclaredParameters {
  private constructor(
    private readonly place: string,
    private readonly declared: ReadonlyMap<string, Declared & { readonly validate: Validator }>,
  ) {}

  /** Compiles their schemas; `request_invalid` with a pointer into the spec for one that does not compile. */
  static of(
    schemas: JsonSchemas,
    place: string,
    parameters: Readonly<Record<string, Declared>>,
  ): DeclaredParameters {
    const declared = Object.entries(parameters).map(([name, each]) => {
      const field = `/parameters/${place}/${escapePointer(name)}/schema`;
      return [name, { ...each, validate: compiledAt(schemas, field, each.schema) }] as const;
    });
    return new DeclaredParameters(place, new Map(declared));
  }

  get names(): readonly string[] {
    return [...this.declared.keys()];
  }

  /** What a parameter's schema says, for reading texts; undefined for one that is not declared. */
  schemaOf(name: string): Readonly<Record<string, unknown>> | undefined {
    return this.declared.get(name)?.schema;
  }

  /**
   * Refuses with `parameter_unknown` what is not declared, and with `parameter_refused` what is missing or does not
   * fit, each with a pointer.
   */
  check(values: Readonly<Record<string, unknown>>): void {
    for (const name of Object.keys(values))
      if (!this.declared.has(name) && values[name] !== undefined)
        throw new BrokerError('parameter_unknown', { field: this.fieldOf(name.slice(0, 128)) });
    for (const [name, { required, validate }] of this.declared) {
      const value = valueOf(values, name);
      if (value === undefined) {
        if (required) throw parameterRefused(this.fieldOf(name), 'is missing');
        continue;
      }
      const fault = validate(value);
      if (fault !== undefined) throw parameterRefused(this.fieldOf(name) + fault.pointer, fault.detail);
    }
  }

  private fieldOf(name: string): string {
    return `/${this.place}/${escapePointer(name)}`;
  }
}

/** Compiles a schema in which undeclared members are refused; `request_invalid` with the field when it cannot. */
export function compiledAt(
  schemas: JsonSchemas,
  field: string,
  schema: Readonly<Record<string, unknown>>,
  { closed = true }: { readonly closed?: boolean } = {},
): Validator {
  try {
    return schemas.compile(schema, { closed });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new BrokerError('request_invalid', { field, detail: error.message });
  }
}

/** A member of its own, never one of the prototype. */
export function valueOf(values: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

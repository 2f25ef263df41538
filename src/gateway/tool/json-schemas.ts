import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { closedSchema } from './closed-schema.js';

/** The first thing that is wrong with a value. It has no part of the value in it besides names of members. */
export interface SchemaFault {
  /** JSON pointer into the value. */
  readonly pointer: string;
  readonly detail: string;
  /** The name of a member that the schema does not declare. */
  readonly undeclared?: string;
}

/** A compiled schema: answers what is wrong with a value, or nothing. */
export type Validator = (value: unknown) => SchemaFault | undefined;

// One for all, since it compiles the schema of schemas only once.
let metaSchemas: Ajv2020 | undefined;

/**
 * Compiles JSON Schemas 2020-12 of one tool. `pattern` is RE2, so that no value takes longer than linear time, and
 * references lead nowhere outside of a schema.
 */
export class JsonSchemas {
  readonly #ajv = newAjv(false);
  readonly #strict: Ajv2020 | undefined;

  /** `strict` also refuses what would have no effect, such as `minLength` without `type: string`. */
  constructor({ strict }: { readonly strict: boolean }) {
    this.#strict = strict ? newAjv(true) : undefined;
  }

  /** Throws a `TypeError` that says why a schema cannot be used. `closed`: undeclared members are refused. */
  compile(schema: Readonly<Record<string, unknown>>, { closed }: { readonly closed: boolean }): Validator {
    let validate: ValidateFunction;
    try {
      refuseInvalid(schema);
      // As it was written: what closes it is ours, and would be complained about.
      this.#strict?.compile(schema);
      validate = this.#ajv.compile(closed ? closedSchema(schema) : schema);
    } catch (error) {
      throw new TypeError(error instanceof Error ? error.message.slice(0, 500) : 'does not compile', {
        cause: error,
      });
    }
    // Such a function answers a promise, which would pass for a yes.
    if ('$async' in validate) throw new TypeError('is asynchronous');
    return (value) => {
      if (validate(value) === true) return undefined;
      return faultOf(validate.errors?.[0]);
    };
  }
}

function newAjv(strict: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    meta: false,
    validateSchema: false,
    strict: true,
    strictTypes: strict,
    strictTuples: strict,
    strictRequired: false,
    allowUnionTypes: true,
    allowMatchingProperties: true,
    ownProperties: true,
    logger: false,
    code: { regExp: linearRegExp },
  });
  addFormats.default(ajv);
  // What OpenAPI knows besides the formats of JSON Schema; they say how a value is stored, not what it is.
  for (const format of ['password', 'binary', 'byte', 'float', 'double', 'int32', 'int64'])
    ajv.addFormat(format, true);
  return ajv;
}

function refuseInvalid(schema: Readonly<Record<string, unknown>>): void {
  metaSchemas ??= new Ajv2020({ strict: false, logger: false, validateFormats: false });
  if (metaSchemas.validateSchema(schema) === true) return;
  const [error] = metaSchemas.errors ?? [];
  throw new TypeError(`${error?.instancePath ?? ''} ${error?.message ?? 'is not a JSON Schema'}`.trim());
}

function faultOf(error: ErrorObject | undefined): SchemaFault {
  if (error === undefined) return { pointer: '', detail: 'is not what the schema asks for' };
  const params = error.params as { additionalProperty?: string; unevaluatedProperty?: string };
  const undeclared = params.additionalProperty ?? params.unevaluatedProperty;
  const pointer = shortened(error.instancePath);
  if (undeclared !== undefined)
    return {
      pointer: `${pointer}/${shortened(escapePointer(undeclared))}`,
      detail: 'is not declared',
      undeclared,
    };
  return { pointer, detail: error.message ?? 'is not what the schema asks for' };
}

/** One step of a JSON pointer (RFC 6901). */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function shortened(text: string): string {
  return text.length > 256 ? `${text.slice(0, 256)}…` : text;
}

interface LinearRegExp {
  (pattern: string, flags: string): { test(text: string): boolean };
  code: string;
}

const linearRegExp: LinearRegExp = Object.assign(
  (pattern: string): { test(text: string): boolean } => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return { test: (text) => compiled.matcher(text).find() };
  },
  // Only standalone code would need the text.
  { code: 'undefined' },
);

import { BrokerError } from '../../kernel/broker-error.js';
import { coerced } from './coerce.js';
import { compiledAt } from './declared-parameters.js';
import { decodeForm, encodeForm } from './form.js';
import type { JsonSchemas, Validator } from './json-schemas.js';
import { parameterRefused } from './path-segment.js';
import type { ToolSpec } from './tool-spec.js';
import { Upload } from './upload.js';

type BodySpec = NonNullable<ToolSpec['parameters']['body']>;
type BodyForm = 'json' | 'form' | 'bytes';

const MEDIA_TYPE =
  /^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,64}(?:; ?[a-z-]+=(?:[A-Za-z0-9._-]+|"[ !#-[\]-~]*"))*$/;
const SCHEMA_FIELD = '/parameters/body/schema';

/** The body of a tool's requests: how it is checked, written, and read from a request that an SDK made. */
export class ToolBody {
  private constructor(
    private readonly spec: BodySpec,
    private readonly form: BodyForm,
    private readonly validate: Validator | undefined,
  ) {}

  /** Refuses with `request_invalid` and a pointer what the spec says wrongly. */
  static of(schemas: JsonSchemas, spec: BodySpec): ToolBody {
    if (!MEDIA_TYPE.test(spec.content_type))
      throw new BrokerError('request_invalid', {
        field: '/parameters/body/content_type',
        detail: 'is not a media type in lower case',
      });
    const form = formOf(spec);
    if (form === 'json' && spec.schema === undefined)
      throw new BrokerError('request_invalid', { field: SCHEMA_FIELD, detail: 'is needed for JSON' });
    if (form === 'bytes' && spec.schema !== undefined)
      throw new BrokerError('request_invalid', {
        field: SCHEMA_FIELD,
        detail: 'has no meaning for a body that is neither JSON nor a form',
      });
    if (form !== 'bytes' && spec.stream)
      throw new BrokerError('request_invalid', {
        field: '/parameters/body/stream',
        detail: 'has no meaning for JSON and forms, which are checked before they leave',
      });
    const validate = spec.schema && compiledAt(schemas, SCHEMA_FIELD, spec.schema);
    return new ToolBody(spec, form, validate);
  }

  get contentType(): string {
    return this.spec.content_type;
  }

  /** Whether it is passed on as it comes where it can be. */
  get streams(): boolean {
    return this.spec.stream;
  }

  /** Checks the body; `parameter_unknown` or `parameter_refused` with a pointer below `/body`. */
  check(body: unknown): void {
    if (body === undefined) {
      if (this.spec.required) throw parameterRefused('/body', 'is missing');
      return;
    }
    if (body instanceof Upload && this.spec.stream) {
      if ((body.lengthBytes ?? 0) > this.spec.max_bytes) throw new BrokerError('request_too_large');
      return;
    }
    if (this.form === 'bytes') {
      if (typeof body !== 'string' && !(body instanceof Uint8Array))
        throw parameterRefused('/body', `is not text or bytes of ${this.contentType}`);
      return;
    }
    if (this.form === 'json' && !survivesParsing(body))
      throw parameterRefused(
        '/body',
        'has a number that would not be sent as it was given; write it as text',
      );
    const fault = this.validate?.(body);
    if (fault === undefined) return;
    if (fault.undeclared === undefined) throw parameterRefused(`/body${fault.pointer}`, fault.detail);
    throw new BrokerError('parameter_unknown', { field: `/body${fault.pointer}` });
  }

  /** Refuses with `media_type_unsupported` another content type than the tool's. */
  checkType(contentType: string | undefined): void {
    if (essence(contentType ?? '') === essence(this.contentType)) return;
    throw new BrokerError('media_type_unsupported', { detail: `The tool takes ${this.contentType}.` });
  }

  /** The bytes that are sent for a checked body; nothing for one that is passed on as it comes. */
  encode(body: unknown): Buffer | undefined {
    if (body === undefined || body instanceof Upload) return undefined;
    if (typeof body === 'string' && this.form === 'bytes') return Buffer.from(body, 'utf8');
    if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (this.form === 'json') return Buffer.from(JSON.stringify(body), 'utf8');
    try {
      return Buffer.from(encodeForm(body), 'utf8');
    } catch (error) {
      throw parameterRefused('/body', error instanceof TypeError ? error.message : 'cannot be a form');
    }
  }

  /**
   * Reads the body of a request that was written for the provider. Refuses with `media_type_unsupported` another
   * content type than the tool's, and with `request_malformed` what is not well formed.
   */
  read(raw: Buffer, contentType: string | undefined): unknown {
    if (raw.length === 0) return undefined;
    this.checkType(contentType);
    if (this.form === 'bytes') return raw;
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(raw);
      if (this.form === 'form') return coerced(decodeForm(text), this.spec.schema);
      // A reviver is called for each member, and is needed only where the name may stand, written out or escaped.
      return MAY_NAME_PROTO.test(text) ? JSON.parse(text, refuseProto) : JSON.parse(text);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
      throw new BrokerError('request_malformed', { field: '/body', detail: 'The body is not well formed.' });
    }
  }
}

function formOf({ content_type, schema }: BodySpec): BodyForm {
  const type = essence(content_type);
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  return type === 'application/x-www-form-urlencoded' && schema !== undefined ? 'form' : 'bytes';
}

function essence(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

/** Numbers beyond 2^53 were rounded when they were read: an id would become another one's. */
function survivesParsing(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(survivesParsing);
}

const MAY_NAME_PROTO = /__proto__|\\u/;

function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new TypeError('names __proto__');
  return value;
}

import { BrokerError } from '../../kernel/broker-error.js';
import type { OutboundRequest } from '../destination/outbound-request.js';
import { coerced, takesList } from './coerce.js';
import { compiledAt, DeclaredParameters, valueOf } from './declared-parameters.js';
import { HEADER_VALUE } from './header-names.js';
import { escapePointer, JsonSchemas, type Validator } from './json-schemas.js';
import type { Narrowing } from './narrowing.js';
import { decodeText, encodeText, parameterRefused, scalarText } from './path-segment.js';
import { ToolBody } from './tool-body.js';
import { normalized } from './tool-arguments.js';
import type { Tool, ToolArguments } from './tool.js';
import { Upload } from './upload.js';
import { UrlTemplate } from './url-template.js';

/** A tool at one version with everything about it ready to use: immutable, and safe to remember by name and version. */
export class CompiledTool {
  private constructor(
    readonly tool: Tool,
    readonly template: UrlTemplate,
    private readonly path: DeclaredParameters,
    private readonly query: DeclaredParameters,
    private readonly header: DeclaredParameters,
    private readonly body: ToolBody | undefined,
    private readonly response: Validator | undefined,
  ) {}

  /**
   * Compiles a tool; `request_invalid` with a pointer into the spec for what cannot be. `strict` also refuses schemas
   * with keywords that have no effect: for what is about to be saved, not for what was.
   */
  static of(tool: Tool, { strict = false }: { readonly strict?: boolean } = {}): CompiledTool {
    const { spec } = tool;
    const { parameters } = spec;
    const schemas = new JsonSchemas({ strict });
    const path = Object.entries(parameters.path).map(([name, each]) => [name, { ...each, required: true }]);
    const header = Object.entries(parameters.header).map(([name, each]) => [name.toLowerCase(), each]);
    spec.redirects.forEach((text, index) => templateAt(`/redirects/${index}`, text, spec.internal));
    return new CompiledTool(
      tool,
      templateAt('/url', spec.url, spec.internal),
      DeclaredParameters.of(schemas, 'path', Object.fromEntries(path) as typeof parameters.query),
      DeclaredParameters.of(schemas, 'query', parameters.query),
      DeclaredParameters.of(schemas, 'header', Object.fromEntries(header) as typeof parameters.header),
      parameters.body && ToolBody.of(schemas, parameters.body),
      spec.response.schema &&
        compiledAt(new JsonSchemas({ strict: false }), '/response/schema', spec.response.schema, {
          closed: false,
        }),
    );
  }

  /**
   * The request for these arguments, without its credential. Refuses with `parameter_unknown` or `parameter_refused`
   * and a JSON pointer such as `/query/limit`; never repeats a value. What a grant forces is filled in first.
   */
  check(given: ToolArguments, narrowing?: Narrowing): OutboundRequest {
    const args = normalized(given);
    const forced = narrowing?.forced(args) ?? args;
    const { path, query, header, body } = forced;
    this.path.check(path);
    this.query.check(query);
    this.header.check(header);
    if (this.body === undefined && body !== undefined)
      throw new BrokerError('parameter_unknown', { field: '/body' });
    this.body?.check(body);
    narrowing?.check(forced);
    const url = this.template.fill(path, this.search(query));
    const bytes = this.body?.encode(body);
    const upload = body instanceof Upload ? body : undefined;
    return {
      method: this.tool.spec.method,
      url,
      headers: {
        ...this.headers(header),
        ...((bytes ?? upload) !== undefined && { 'content-type': this.body?.contentType ?? '' }),
      },
      body: bytes,
      ...(upload !== undefined && { upload }),
    };
  }

  /** Refuses with `tool_response_refused` a JSON answer that the tool's response schema does not describe. */
  checkResponse(json: unknown): void {
    const fault = this.response?.(json);
    if (fault === undefined) return;
    throw new BrokerError('tool_response_refused', { field: fault.pointer, detail: fault.detail });
  }

  /**
   * The arguments of a request that was written for the provider, if it is one to this tool: path and query from its
   * request target (`/v1/x?y=z`), headers that the tool declares from `headers`; everything else of them is dropped,
   * since every HTTP client sends more. Not checked yet; the body comes from {@link readBody}.
   */
  match(
    method: string,
    target: string,
    headers: Readonly<Record<string, string | readonly string[] | undefined>> = {},
  ): ToolArguments | undefined {
    if (method.toUpperCase() !== this.tool.spec.method) return undefined;
    const at = target.indexOf('?');
    const texts = this.template.match(at < 0 ? target : target.slice(0, at));
    if (texts === undefined) return undefined;
    const path: Record<string, unknown> = {};
    for (const [name, text] of Object.entries(texts)) path[name] = coerced(text, this.path.schemaOf(name));
    return {
      path,
      query: this.readQuery(at < 0 ? '' : target.slice(at + 1)),
      header: this.readHeaders(headers),
    };
  }

  /** The body of such a request; refuses as {@link ToolBody.read} does, and any body where the tool has none. */
  readBody(raw: Buffer, contentType: string | undefined): unknown {
    if (this.body !== undefined) return this.body.read(raw, contentType);
    if (raw.length === 0) return undefined;
    throw new BrokerError('parameter_unknown', { field: '/body' });
  }

  /** Whether bodies of such requests are passed on as they come. */
  get takesUploads(): boolean {
    return this.body?.streams === true;
  }

  /** Such a body; refuses with `media_type_unsupported` another content type than the tool's. */
  readUpload(upload: Upload, contentType: string | undefined): Upload {
    this.body?.checkType(contentType);
    return upload;
  }

  private search(query: Readonly<Record<string, unknown>>): string {
    const pairs: string[] = [];
    for (const name of this.query.names) {
      const value = valueOf(query, name);
      if (value === undefined) continue;
      for (const each of Array.isArray(value) ? (value as unknown[]) : [value]) {
        const text = scalarText(each);
        const field = `/query/${escapePointer(name)}`;
        if (text === undefined) throw parameterRefused(field, 'is not a text, number or boolean');
        if (/\0|\p{Cs}/u.test(text)) throw parameterRefused(field, 'has NUL or half a surrogate pair in it');
        pairs.push(`${encodeText(name)}=${encodeText(text)}`);
      }
    }
    return pairs.join('&');
  }

  private headers(header: Readonly<Record<string, unknown>>): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const name of this.header.names) {
      const value = valueOf(header, name);
      if (value === undefined) continue;
      const text = scalarText(value);
      if (text === undefined || !HEADER_VALUE.test(text))
        throw parameterRefused(
          `/header/${escapePointer(name)}`,
          'is not visible ASCII without space at its ends',
        );
      headers[name] = text;
    }
    return headers;
  }

  private readQuery(search: string): Record<string, unknown> {
    const found = new Map<string, unknown[]>();
    for (const pair of search.split('&').filter((each) => each !== '')) {
      const at = pair.indexOf('=');
      const [name, value] = [at < 0 ? pair : pair.slice(0, at), at < 0 ? '' : pair.slice(at + 1)].map(
        (text) => decodeText(text.replaceAll('+', ' ')),
      );
      if (name === undefined || value === undefined)
        throw new BrokerError('request_malformed', { field: '/query', detail: 'The query is not UTF-8.' });
      found.set(name, [...(found.get(name) ?? []), value]);
    }
    const query: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [name, values] of found) {
      const schema = this.query.schemaOf(name);
      // A name that stands twice means the first value to some servers and the last to others, so it stays a list,
      // which no schema of a single value takes.
      query[name] = coerced(values.length === 1 && !takesList(schema) ? values[0] : values, schema);
    }
    return query;
  }

  private readHeaders(
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  ): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    for (const name of this.header.names) {
      const value = headers[name];
      if (value !== undefined) found[name] = coerced(value, this.header.schemaOf(name));
    }
    return found;
  }
}

function templateAt(field: string, text: string, internal: boolean): UrlTemplate {
  try {
    return UrlTemplate.of(text, { internal });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new BrokerError('request_invalid', { field, detail: error.message });
  }
}

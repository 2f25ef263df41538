import { BrokerError } from '../../kernel/broker-error.js';
import { UNSTORABLE } from '../../credential/spec.js';
import { CompiledTool } from './compiled-tool.js';
import { mayDeclareHeader, mayInjectHeader, mayShowHeader } from './header-names.js';
import { escapePointer } from './json-schemas.js';
import { toolSpecSchema, type ToolSpec } from './tool-spec.js';

/**
 * Checks what an admin says about a tool, so that nothing is saved that could not be called by. Refuses the first
 * fault with `request_invalid` and a JSON pointer into the spec.
 */
export function reviewedTool(input: unknown): ToolSpec {
  const result = toolSpecSchema.safeParse(input);
  if (!result.success) {
    const [issue] = result.error.issues;
    const path = [
      ...(issue?.path ?? []),
      ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []),
    ];
    throw refused(pointerTo(path), issue?.message ?? 'is not valid');
  }
  const spec = result.data;
  if (UNSTORABLE.test(JSON.stringify(spec)))
    throw refused('', 'has a text with NUL or half a surrogate pair in it');
  checkHeaders(spec);
  checkInjection(spec);
  checkMethod(spec);
  const now = new Date(0);
  const tool = {
    name: spec.name,
    version: 1,
    spec,
    enabled: true,
    credentialOff: false,
    createdAt: now,
    createdBy: '',
    updatedAt: now,
  };
  const compiled = CompiledTool.of(tool, { strict: true });
  checkPath(spec, compiled.template.names);
  return spec;
}

function checkHeaders(spec: ToolSpec): void {
  const seen = new Set<string>();
  for (const name of Object.keys(spec.parameters.header)) {
    const lower = name.toLowerCase();
    const field = `/parameters/header/${escapePointer(name)}`;
    if (!mayDeclareHeader(lower)) throw refused(field, 'is a header that callers may not fill');
    if (seen.has(lower)) throw refused(field, 'is declared twice');
    seen.add(lower);
  }
  spec.response.headers.forEach((name, index) => {
    if (!mayShowHeader(name.toLowerCase()))
      throw refused(`/response/headers/${index}`, 'is a header that is not passed on');
  });
}

/** A credential goes where no caller writes. */
function checkInjection({ credential, parameters }: ToolSpec): void {
  if (credential === undefined) return;
  const { inject } = credential;
  const declared = new Set(Object.keys(parameters.header).map((name) => name.toLowerCase()));
  const headers: readonly (readonly [field: string, name: string | undefined])[] =
    inject.as === 'header'
      ? [['name', inject.name]]
      : inject.as === 'hmac'
        ? [
            ['header', inject.header],
            ['timestamp_header', inject.timestamp_header],
          ]
        : [];
  for (const [field, name] of headers) {
    if (name === undefined) continue;
    if (!mayInjectHeader(name.toLowerCase()))
      throw refused(`/credential/inject/${field}`, 'is a header that no credential goes into');
    if (declared.has(name.toLowerCase()))
      throw refused(`/credential/inject/${field}`, 'is a header that callers may fill');
  }
  if (inject.as === 'query' && Object.hasOwn(parameters.query, inject.name))
    throw refused('/credential/inject/name', 'is a query parameter that callers may fill');
  if ('prefix' in inject && /[^\t -~]/.test(inject.prefix))
    throw refused('/credential/inject/prefix', 'is not visible ASCII');
}

function checkMethod({ method, parameters, retries, credential }: ToolSpec): void {
  if (parameters.body?.stream === true) {
    if (retries > 0) throw refused('/retries', 'would repeat a body that was passed on as it came');
    const inject = credential?.inject;
    const signs = inject?.as === 'aws-sigv4' || (inject?.as === 'hmac' && inject.signed.includes('body'));
    if (signs) throw refused('/credential/inject', 'would have to sign a body that has not come yet');
  }
  if (parameters.body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw refused('/parameters/body', `has no meaning for ${method}`);
  if (retries > 0 && (method === 'POST' || method === 'PATCH'))
    throw refused('/retries', `would repeat a ${method}, which is not idempotent`);
}

function checkPath(spec: ToolSpec, names: readonly string[]): void {
  const declared = Object.keys(spec.parameters.path);
  const missing = names.find((name) => !declared.includes(name));
  if (missing !== undefined)
    throw refused('/url', `names {${missing}}, which /parameters/path does not have`);
  const unused = declared.find((name) => !names.includes(name));
  if (unused !== undefined) throw refused(`/parameters/path/${escapePointer(unused)}`, 'is not in the URL');
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${escapePointer(String(key))}`).join('');
}

function refused(field: string, detail: string): BrokerError {
  return new BrokerError('request_invalid', { field, detail });
}

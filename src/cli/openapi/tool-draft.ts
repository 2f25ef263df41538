import type { ToolSpecDocument } from '../../sdk/admin-tools.js';
import { usageError } from '../cli-error.js';
import { isNode, type Node, type OpenApiDocument, type Operation } from './document.js';
import { SchemaConversion } from './schemas.js';
import { injectionOf, type Injection } from './security.js';

/** What an import is told besides the document. */
export interface ImportOptions {
  readonly credential?: string | undefined;
  /** Base URL instead of the document's first server. */
  readonly server?: string | undefined;
  /** Begins the names of tools. */
  readonly prefix?: string | undefined;
  /** Takes what could not be carried over, for people. */
  readonly note: (text: string) => void;
}

type Places = Record<'path' | 'query' | 'header', Record<string, Node>>;
// The specification has clients ignore such parameters; the gateway fills these headers itself.
const OWN_HEADERS = new Set(['accept', 'content-type', 'authorization', 'host', 'content-length', 'cookie']);
const BODY_TYPES = ['application/json', 'application/x-www-form-urlencoded'] as const;

/** The draft of a tool that calls one operation. */
export function toolDraft(document: OpenApiDocument, id: string, options: ImportOptions): ToolSpecDocument {
  const found = document.operation(id);
  const { operation, method, path } = found;
  const note = (text: string): void => options.note(`${id}: ${text}`);
  const schemas = new SchemaConversion(document, note);
  const inject = injectionOf(document, found);
  if (inject === undefined && options.credential !== undefined)
    note('the document does not say where the credential goes; bearer is assumed.');
  if (inject !== undefined && options.credential === undefined)
    note('the document asks for a credential, and none was named.');
  const places = parametersOf(document, found, schemas, note);
  forgetInjected(places, inject);
  const body = bodyOf(document, operation, schemas, note);
  const description = [operation['summary'], operation['description']].find(
    (text) => typeof text === 'string' && text !== '',
  );
  return {
    name: toolName(`${options.prefix ?? ''}${id}`),
    ...(typeof description === 'string' && { description: description.slice(0, 4_000) }),
    method,
    url: baseUrl(document, found, options) + path,
    parameters: {
      ...Object.fromEntries(
        Object.entries(places).filter(([, declared]) => Object.keys(declared).length > 0),
      ),
      ...(body !== undefined && { body }),
    },
    ...(streams(document, operation) && { response: { stream: true } }),
    ...(options.credential !== undefined && {
      credential: { name: options.credential, inject: inject ?? { as: 'bearer' } },
    }),
  };
}

/** A tool's name for an operationId: `listOrders` and `orders/list` become `list-orders` and `orders-list`. */
export function toolName(id: string): string {
  const name = id
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 63);
  if (name === '') throw usageError(`The operation ${id} has no letter to name a tool after.`);
  return name;
}

function parametersOf(
  document: OpenApiDocument,
  { item, operation, path }: Operation,
  schemas: SchemaConversion,
  note: (text: string) => void,
): Places {
  const places: Places = { path: {}, query: {}, header: {} };
  // Those of the operation come last and so replace the path's of the same name and place.
  for (const given of [item['parameters'], operation['parameters']].flatMap((list): unknown[] =>
    Array.isArray(list) ? list : [],
  )) {
    const parameter = document.resolved(given);
    const { name, in: place } = parameter ?? {};
    if (parameter === undefined || typeof name !== 'string') continue;
    if (place === 'header' && OWN_HEADERS.has(name.toLowerCase())) continue;
    if (place !== 'path' && place !== 'query' && place !== 'header') {
      note(`the parameter ${name} is in a ${String(place)} and was left out.`);
      continue;
    }
    const schema = isNode(parameter['schema']) ? schemas.standalone(parameter['schema']) : { type: 'string' };
    if (schema['type'] === 'object' || (schema['type'] === 'array' && !isRepeated(parameter, place))) {
      note(`the parameter ${name} is written in a way that tools do not have and was left out.`);
      continue;
    }
    places[place][name] = {
      schema,
      ...(place !== 'path' && parameter['required'] === true && { required: true }),
      ...(typeof parameter['description'] === 'string' && {
        description: parameter['description'].slice(0, 1_000),
      }),
    };
  }
  for (const [, name = ''] of path.matchAll(/\{([^}]*)\}/g))
    places.path[name] ??= { schema: { type: 'string' } };
  return places;
}

function isRepeated({ style, explode }: Node, place: string): boolean {
  return place === 'query' && (style === undefined || style === 'form') && explode !== false;
}

function bodyOf(
  document: OpenApiDocument,
  operation: Node,
  schemas: SchemaConversion,
  note: (text: string) => void,
): Node | undefined {
  const request = document.resolved(operation['requestBody']);
  const content = request?.['content'];
  if (request === undefined || !isNode(content)) return undefined;
  const [first] = Object.keys(content);
  const type = BODY_TYPES.find((each) => isNode(content[each])) ?? first;
  const media = type === undefined ? undefined : content[type];
  if (type === undefined || !isNode(media)) return undefined;
  const required = request['required'] === true;
  const structured = type === 'application/x-www-form-urlencoded' || /[/+]json$/.test(type);
  if (!structured) note(`the body is ${type}, which is passed on as it is.`);
  return { content_type: type, required, ...(structured && { schema: schemas.standalone(media['schema']) }) };
}

/** A parameter that carries the credential is the gateway's to fill. */
function forgetInjected(places: Places, inject: Injection | undefined): void {
  const name = inject?.['name'];
  if (typeof name !== 'string' || (inject?.['as'] !== 'header' && inject?.['as'] !== 'query')) return;
  const place = places[inject['as']];
  for (const each of Object.keys(place))
    if (each === name || (inject['as'] === 'header' && each.toLowerCase() === name.toLowerCase()))
      Reflect.deleteProperty(place, each);
}

function streams(document: OpenApiDocument, operation: Node): boolean {
  const responses = operation['responses'];
  return Object.entries(isNode(responses) ? responses : {}).some(([status, response]) => {
    const content = document.resolved(response)?.['content'];
    return status.startsWith('2') && isNode(content) && 'text/event-stream' in content;
  });
}

function baseUrl(
  document: OpenApiDocument,
  { item, operation }: Operation,
  { server }: ImportOptions,
): string {
  if (server !== undefined) return server.replace(/\/+$/, '');
  const servers = [operation['servers'], item['servers'], document.root['servers']].find(
    (list) => Array.isArray(list) && list.length > 0,
  ) as readonly unknown[] | undefined;
  const first = servers?.[0];
  const url = isNode(first) ? first['url'] : undefined;
  if (typeof url !== 'string' || !isNode(first) || !/^https?:\/\//.test(url))
    throw usageError('The document does not name an absolute server.', 'Name one with --server.');
  const variables = first['variables'];
  const filled = url.replace(/\{([^}]*)\}/g, (_whole, name: string) => {
    const variable = isNode(variables) ? variables[name] : undefined;
    return isNode(variable) && typeof variable['default'] === 'string' ? variable['default'] : '';
  });
  return filled.replace(/\/+$/, '');
}

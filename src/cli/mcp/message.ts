/** A JSON-RPC message, as far as a bridge looks at it. */
export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly [name: string]: unknown };
  readonly result?: { readonly [name: string]: unknown };
}

/** Error codes of JSON-RPC 2.0, §5.1. */
export const PARSE_ERROR = -32_700;
export const INVALID_REQUEST = -32_600;
export const INTERNAL_ERROR = -32_603;

/** A message in this text; `undefined` when it is JSON but not one message. Throws when it is not JSON. */
export function messageIn(text: string): Message | undefined {
  const value: unknown = JSON.parse(text);
  return isMessage(value) ? value : undefined;
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null || !('jsonrpc' in value)) return false;
  const { jsonrpc, id, method, params } = value as Partial<Record<string, unknown>>;
  return (
    jsonrpc === '2.0' &&
    (id === undefined || id === null || typeof id === 'string' || typeof id === 'number') &&
    (method === undefined || typeof method === 'string') &&
    (params === undefined || (typeof params === 'object' && params !== null))
  );
}

/** An error that answers a request; `null` where its id is not known. */
export function errorAnswer(
  id: string | number | null,
  code: number,
  message: string,
  data?: unknown,
): { readonly jsonrpc: '2.0'; readonly id: string | number | null; readonly error: unknown } {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}

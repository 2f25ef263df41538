/** How a body is looked through. */
export type ContentForm = 'json' | 'text' | 'events' | 'unreadable';

const TEXT_TYPES = new Set([
  'application/xml',
  'application/javascript',
  'application/ecmascript',
  'application/x-www-form-urlencoded',
  'application/graphql',
  'application/sql',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/x-sh',
  'application/pem-certificate-chain',
  'application/jose',
  'application/jwt',
  'application/http',
  'message/rfc822',
  'message/http',
  'multipart/form-data',
  'multipart/mixed',
]);
/** JSON text after JSON text: lines or RFC 7464 records; each is kept valid. */
const JSON_TYPES = new Set([
  'application/json',
  'text/json',
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/json-seq',
  'application/x-json-stream',
]);

/**
 * What a `Content-Type` (RFC 9110 §8.3) says about how its body can be read. A character set in which a byte below 128
 * may stand for something else than ASCII makes it unreadable; so does a type that is not known to be text.
 */
export function contentForm(contentType: string): ContentForm {
  const [essence = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  if (!parameters.every(readableParameter)) return 'unreadable';
  if (essence === 'text/event-stream') return 'events';
  if (JSON_TYPES.has(essence) || essence.endsWith('+json')) return 'json';
  if (essence.startsWith('text/') || essence.endsWith('+xml') || essence.endsWith('+yaml')) return 'text';
  return TEXT_TYPES.has(essence) ? 'text' : 'unreadable';
}

function readableParameter(parameter: string): boolean {
  if (!parameter.startsWith('charset=')) return true;
  const charset = parameter.slice('charset='.length).replaceAll('"', '');
  return (
    charset === 'utf-8' ||
    charset === 'utf8' ||
    /^(us-ascii|ascii|iso-8859-\d+|latin1|windows-125\d)$/.test(charset)
  );
}

/** Whether bytes that were called text are: text has no NUL, which UTF-16 and every binary format do. */
export function isText(bytes: Buffer): boolean {
  return !bytes.includes(0);
}

import { hasCode } from '../../kernel/broker-error.js';
import { refusal } from './fault.js';
import type { InjectedRequest } from './outbound-request.js';
import { RedirectTemplate } from './redirect-template.js';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** All that another origin gets to see of the headers: a credential can hide in any other. */
const PLAIN_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'content-type',
  'user-agent',
]);

/** Whether an answer sends the caller elsewhere. */
export function isRedirect(status: number, location: string | undefined): location is string {
  return location !== undefined && REDIRECTS.has(status);
}

/**
 * The request that a redirect asks for (RFC 9110 §15.4). Only a listed target is followed. Another origin gets no
 * credential: neither header nor client certificate, and a body or a target with a secret in it is refused.
 *
 * @throws BrokerError `redirect_refused`
 */
export function redirected(
  request: InjectedRequest,
  status: number,
  location: string,
  templates: readonly string[],
): InjectedRequest {
  const { host } = request.url;
  const refuse = (why: string): Error => refusal('redirect_refused', host, why);
  const url = targetOf(location, request.url);
  if (url === undefined || !templates.some((template) => leadsTo(template, url))) {
    throw refuse('the target is not listed');
  }
  const rewrites = status === 303 || ((status === 301 || status === 302) && request.method === 'POST');
  const method = rewrites && request.method !== 'HEAD' ? 'GET' : request.method;
  const body = method === 'GET' ? undefined : request.body;
  if (request.upload !== undefined && method !== 'GET')
    throw refuse('a body that was passed on as it came cannot be sent again');
  const away = url.origin !== request.url.origin;
  const keeps = (name: string): boolean =>
    (!away || PLAIN_HEADERS.has(name)) && (body !== undefined || !name.startsWith('content-'));
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => keeps(name)));
  if (away && carriesSecret(request, [url.href, decoded(url.href), ...Object.values(headers), body])) {
    throw refuse('a credential would have gone to another origin');
  }
  const { upload: _sent, ...rest } = request;
  return { ...rest, method, url, headers, body, ...(away ? { clientCertificate: undefined } : {}) };
}

function targetOf(location: string, base: URL): URL | undefined {
  // What a URL parser repairs was not written for a URL parser.
  if (/[\\\s]/.test(location) || !URL.canParse(location, base.href)) return undefined;
  const url = new URL(location, base);
  url.hash = '';
  return url;
}

/** A template that does not compile leads nowhere. */
function leadsTo(template: string, url: URL): boolean {
  try {
    return RedirectTemplate.of(template).matches(url);
  } catch (error) {
    if (hasCode(error, 'request_invalid') || hasCode(error, 'destination_refused')) return false;
    throw error;
  }
}

function carriesSecret(request: InjectedRequest, places: readonly (string | Buffer | undefined)[]): boolean {
  return request.secrets.some((secret) => {
    const value = secret.expose();
    return value !== '' && places.some((place) => place?.includes(value));
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

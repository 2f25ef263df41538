import { Secret } from '../../kernel/secret.js';
import type { OutboundRequest } from '../destination/outbound-request.js';
import type { InjectSpec } from '../tool/tool-spec.js';
import { headerField, textField, unusable, type CredentialFields } from './field.js';
import type { Addition } from './injected.js';

/** One way of injecting, as a tool's spec says it. */
export type Way<K extends InjectSpec['as']> = Extract<InjectSpec, { readonly as: K }>;

/** `Authorization: Bearer …` (RFC 6750 §2.1). */
export function bearer(spec: Way<'bearer'>, fields: CredentialFields): Addition {
  const token = headerField(fields, spec.field);
  return { headers: { authorization: `Bearer ${token}` }, secrets: [Secret.of(token)] };
}

/** `Authorization: Basic …` (RFC 7617), in UTF-8. */
export function basic(spec: Way<'basic'>, fields: CredentialFields): Addition {
  const username = textField(fields, spec.username_field);
  const password = textField(fields, spec.password_field);
  if (username.includes(':')) throw unusable(`its field ${spec.username_field} has a colon in it`);
  const pair = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
  return { headers: { authorization: `Basic ${pair}` }, secrets: [Secret.of(password), Secret.of(pair)] };
}

/** A header of the provider's own, such as `x-api-key`. */
export function header(spec: Way<'header'>, fields: CredentialFields): Addition {
  const value = headerField(fields, spec.field);
  return { headers: { [spec.name.toLowerCase()]: `${spec.prefix}${value}` }, secrets: [Secret.of(value)] };
}

/** A query parameter. One of that name that came with the request is taken out: the credential is ours to choose. */
export function query(
  spec: Way<'query'>,
  fields: CredentialFields,
  request: Pick<OutboundRequest, 'url'>,
): Addition {
  const value = textField(fields, spec.field);
  return {
    url: withParameter(request.url, spec.name, encodeURIComponent(value)),
    secrets: [Secret.of(value)],
  };
}

/** The address with one parameter at its end, and no other of that name; what is there stays spelled as it is. */
export function withParameter(url: URL, name: string, encodedValue: string): URL {
  const kept = url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !new URLSearchParams(pair).has(name));
  const changed = new URL(url);
  changed.search = [...kept, `${encodeURIComponent(name)}=${encodedValue}`].join('&');
  return changed;
}

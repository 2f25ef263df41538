import type { OutboundRequest } from '../destination/outbound-request.js';
import type { InjectSpec } from '../tool/tool-spec.js';
import { withParameter } from './plain-secrets.js';

/** What stands where a secret would. */
export const MASK = '[secret]';

/** A request as it would leave, for people. */
export interface RequestPreview {
  readonly method: OutboundRequest['method'];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** Whether the connection would carry a client certificate. */
  readonly clientCertificate: boolean;
}

/** The exact request with every secret masked; no credential is read for it. */
export function preview(request: OutboundRequest, spec: InjectSpec | undefined): RequestPreview {
  const url = spec?.as === 'query' ? withParameter(request.url, spec.name, MASK) : request.url;
  return {
    method: request.method,
    url: spec?.as === 'query' ? url.href.replace(encodedMask(url), MASK) : url.href,
    headers: { ...request.headers, ...(spec && maskedHeaders(spec)) },
    body: request.body,
    clientCertificate: spec?.as === 'client-certificate',
  };
}

// An address spells brackets as it likes; people should read the mask as it is everywhere else.
function encodedMask(url: URL): string {
  return url.href.includes(MASK) ? MASK : encodeURIComponent(MASK);
}

function maskedHeaders(spec: InjectSpec): Record<string, string> {
  switch (spec.as) {
    case 'bearer':
    case 'oauth-client-credentials':
      return { authorization: `Bearer ${MASK}` };
    case 'basic':
      return { authorization: `Basic ${MASK}` };
    case 'header':
      return { [spec.name.toLowerCase()]: `${spec.prefix}${MASK}` };
    case 'aws-sigv4':
      return {
        authorization: `AWS4-HMAC-SHA256 Credential=${MASK}, Signature=${MASK}`,
        'x-amz-date': '[time]',
        ...(spec.session_token_field !== undefined && { 'x-amz-security-token': MASK }),
      };
    case 'hmac': {
      const timed = spec.timestamp_header ?? (spec.signed.includes('timestamp') ? 'x-timestamp' : undefined);
      return {
        [spec.header.toLowerCase()]: `${spec.prefix}${MASK}`,
        ...(timed !== undefined && { [timed.toLowerCase()]: '[time]' }),
      };
    }
    case 'query':
    case 'client-certificate':
      return {};
  }
}

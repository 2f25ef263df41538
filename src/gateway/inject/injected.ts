import type { Secret } from '../../kernel/secret.js';
import type { InjectedRequest, OutboundRequest } from '../destination/outbound-request.js';

/** What a way of injecting adds to a request. */
export interface Addition {
  /** Lower-case names; they replace those of the request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly url?: URL;
  readonly secrets: readonly Secret[];
  readonly clientCertificate?: InjectedRequest['clientCertificate'];
}

/** The request with what was added. */
export function injected(request: OutboundRequest, addition: Addition): InjectedRequest {
  return {
    method: request.method,
    url: addition.url ?? request.url,
    headers: addition.headers === undefined ? request.headers : { ...request.headers, ...addition.headers },
    body: request.body,
    ...(request.upload !== undefined && { upload: request.upload }),
    secrets: addition.secrets,
    clientCertificate: addition.clientCertificate,
  };
}

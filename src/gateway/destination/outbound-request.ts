import type { Readable } from 'node:stream';
import type { Secret } from '../../kernel/secret.js';
import type { Upload } from '../tool/upload.js';

/** A request as it will leave, made from a template and checked parameters; headers are only those that the tool declares. */
export interface OutboundRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute, path segments encoded, no userinfo, no fragment. */
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** In place of `body`: what is passed on as it comes. It is sent once, so nothing is tried again. */
  readonly upload?: Upload;
}

/** A request with its credential in it; for one sending and nothing else. */
export interface InjectedRequest extends OutboundRequest {
  /** Every value that was injected, raw and derived, for the scrubber. */
  readonly secrets: readonly Secret[];
  /** PEM, for mutual TLS; `cert` with the chain behind it. */
  readonly clientCertificate: Secret<{ readonly cert: string; readonly key: string }> | undefined;
}

/** An answer whose body has not been read. */
export interface OutboundResponse {
  readonly status: number;
  /** Lower-case names; repeated ones joined as RFC 9110 §5.3 says, `set-cookie` dropped. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it came over the wire, still in its content encoding. Destroying it ends the connection. */
  readonly body: Readable;
  /** The vetted address that was connected to. */
  readonly address: string;
}

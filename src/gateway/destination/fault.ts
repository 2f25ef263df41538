import { BrokerError } from '../../kernel/broker-error.js';
import type { ErrorCode } from '../../kernel/error-codes.js';

/** Codes that sending may end with. */
export type OutboundCode = Extract<
  ErrorCode,
  | 'destination_refused'
  | 'destination_unresolvable'
  | 'upstream_unreachable'
  | 'upstream_tls_refused'
  | 'upstream_timeout'
  | 'upstream_response_refused'
  | 'redirect_refused'
>;

/** What networks do; everything else that goes wrong before a secure connection stands is TLS. */
const NETWORK = /^(E(CONN|HOST|NET|ADDR|TIMEDOUT|PIPE|ACCES|PERM|MFILE|NFILE|NOBUFS|AI_|NOTFOUND))/;
const TIMEOUT = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);
const MALFORMED = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'ERR_ASSERTION',
]);
/** What undici says when it hangs up on an answer that it does not take. */
const HUNG_UP_ON = new Set(['bad response', 'bad upgrade']);

/** A connection that was not made, or not kept. */
export class ConnectFault extends Error {
  constructor(
    readonly code: OutboundCode,
    readonly reason: string,
    cause?: unknown,
  ) {
    super(`${code}: ${reason}`, { cause });
    this.name = 'ConnectFault';
  }

  /** Why a connector gave up. */
  static of(error: Error): ConnectFault {
    if (error instanceof ConnectFault) return error;
    const code = codeOf(error);
    if (TIMEOUT.has(code)) return new ConnectFault('upstream_timeout', 'no connection in time', error);
    if (code.startsWith('UND_') || NETWORK.test(code)) {
      return new ConnectFault('upstream_unreachable', code, error);
    }
    return new ConnectFault('upstream_tls_refused', code, error);
  }
}

/**
 * What went wrong on the way, as callers see it. Messages of sockets and parsers stay behind: they quote addresses and
 * raw bytes.
 */
export function outboundError(error: unknown, host: string): BrokerError {
  if (error instanceof BrokerError) return error;
  if (error instanceof ConnectFault) return refusal(error.code, host, error.reason, error);
  const code = codeOf(error);
  if (TIMEOUT.has(code)) return refusal('upstream_timeout', host, code, error);
  const message = error instanceof Error ? error.message : '';
  if (isParserError(error) || MALFORMED.has(code) || HUNG_UP_ON.has(message)) {
    return refusal('upstream_response_refused', host, code, error);
  }
  // In TLS 1.3 a server refuses a client's certificate after the client took the connection for made.
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return refusal('upstream_tls_refused', host, code, error);
  return refusal('upstream_unreachable', host, code, error);
}

const DETAILS: Readonly<Record<OutboundCode, string>> = {
  destination_refused: 'may not be called',
  destination_unresolvable: 'does not resolve',
  upstream_unreachable: 'cannot be reached, or hung up',
  upstream_tls_refused: 'has no certificate that verifies, or refused ours',
  upstream_timeout: 'did not answer in time',
  upstream_response_refused: 'sent an answer that is not well-formed HTTP',
  redirect_refused: 'redirected to where the tool does not lead',
};

/** An error about a host, in the words that the code stands for; `internal` goes to the log. */
export function refusal(code: OutboundCode, host: string, internal: string, cause?: unknown): BrokerError {
  return new BrokerError(code, { detail: `${host} ${DETAILS[code]}`, internal, cause });
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === 'HTTPParserError';
}

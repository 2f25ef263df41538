import { BrokerError } from '../kernel/broker-error.js';
import { StrictJsonError, parseStrictObject } from './strict-json.js';

/** The largest token that is looked at. */
export const MAX_TOKEN_BYTES = 16 * 1024;

/** A token taken apart; nothing of it is verified. */
export interface CompactToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The part that the signature covers. */
  readonly signingInput: string;
  /** The token itself: a secret. */
  readonly text: string;
}

const SEGMENT = /^[A-Za-z0-9_-]*$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Takes a JWS compact serialisation (RFC 7515 §7.1) apart, strictly. Refuses with `token_oversize`,
 * `token_malformed` and `token_claims_ambiguous` (a name that occurs twice, in header or payload).
 */
export function parseCompactToken(text: string, maxBytes = MAX_TOKEN_BYTES): CompactToken {
  if (text.length > maxBytes) throw new BrokerError('token_oversize');
  const [header, payload, signature, ...more] = text.split('.');
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) {
    throw new BrokerError('token_malformed', { internal: 'does not have three parts' });
  }
  decodeSegment(signature);
  return {
    header: decodeObject(header, 'header'),
    payload: decodeObject(payload, 'payload'),
    signingInput: `${header}.${payload}`,
    text,
  };
}

function decodeObject(segment: string, part: string): Record<string, unknown> {
  const bytes = decodeSegment(segment);
  try {
    return parseStrictObject(utf8.decode(bytes));
  } catch (error) {
    const fault = error instanceof StrictJsonError ? error.fault : 'not UTF-8';
    throw new BrokerError(fault === 'ambiguous-name' ? 'token_claims_ambiguous' : 'token_malformed', {
      internal: `${part}: ${fault}`,
    });
  }
}

/** Canonical base64url only: Node drops what it does not know, and then two texts would be one token. */
function decodeSegment(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'base64url');
  if (!SEGMENT.test(segment) || bytes.toString('base64url') !== segment) {
    throw new BrokerError('token_malformed', { internal: 'a part is not base64url' });
  }
  return bytes;
}

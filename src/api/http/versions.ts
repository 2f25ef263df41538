import { BrokerError } from '../../kernel/broker-error.js';
import type { ApiReply } from './request.js';

const STRONG = /^"(0|[1-9]\d{0,8})"$/;

/** Says which version was answered, so that a change can name it (RFC 9110 §8.8.3). */
export function tag<T extends { readonly version: number }>(reply: ApiReply, thing: T): T {
  void reply.header('etag', `"${thing.version}"`);
  return thing;
}

/**
 * The version that a change was made from (RFC 9110 §13.1.1). Refuses with `precondition_required` when none is
 * named; a weak or foreign tag never matches, and `*` would overwrite what nobody has read.
 */
export function versionOf(ifMatch: string | undefined): number {
  if (ifMatch === undefined) throw new BrokerError('precondition_required');
  const version = STRONG.exec(ifMatch.trim())?.[1];
  if (version === undefined)
    throw new BrokerError('precondition_failed', { detail: 'If-Match names one version, such as "3".' });
  return Number(version);
}

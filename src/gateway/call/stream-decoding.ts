import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { BrokerError } from '../../kernel/broker-error.js';

/**
 * What undoes the content encoding of a stream (RFC 9110 §8.4.1), handing out what it has as it comes; undefined where
 * there is none. Refuses with `response_unreadable` what it does not know. What it yields has to be limited: a small
 * stream may become a large one.
 */
export function streamDecoder(contentEncoding: string | undefined): Transform | undefined {
  const encoding = contentEncoding?.trim().toLowerCase() ?? '';
  switch (encoding) {
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ flush: constants.Z_SYNC_FLUSH });
    case 'deflate':
      return createInflate({ flush: constants.Z_SYNC_FLUSH });
    case 'br':
      return createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH });
    default:
      throw new BrokerError('response_unreadable', {
        detail: 'the content encoding is not one that is known',
      });
  }
}

import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, type InputType } from 'node:zlib';
import { BrokerError } from '../../kernel/broker-error.js';

/** More layers than any honest provider puts around an answer. */
const MAX_LAYERS = 2;

/** The low half of the first byte of a zlib stream (RFC 1950 §2.2). */
const ZLIB_METHOD = 8;

type Undo = (data: InputType, options: { maxOutputLength: number }) => Promise<Buffer>;

const UNDO: Readonly<Record<string, Undo>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  br: promisify(brotliDecompress),
  // Means zlib (RFC 9110 §8.4.1.2), yet some servers send the bare data.
  deflate: (data, options) =>
    ((data as Buffer).readUInt8(0) & 0x0f) === ZLIB_METHOD ? zlib(data, options) : bare(data, options),
};
const zlib = promisify(inflate) as Undo;
const bare = promisify(inflateRaw) as Undo;

/**
 * Undoes the content encoding of an answer (RFC 9110 §8.4). Refuses with `response_unreadable` an encoding that is not
 * gzip, deflate or br, and with `upstream_response_refused` data that is damaged, that is encoded more than twice, or
 * that grows beyond `maxBytes`: a small answer may expand a thousandfold.
 */
export async function decodeBody(
  body: Buffer,
  contentEncoding: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  const encodings = listed(contentEncoding);
  let decoded = body;
  // Applied in the order in which they are listed, so undone from the last.
  for (const undo of encodings.reverse()) {
    if (decoded.length === 0) break;
    try {
      decoded = await undo(decoded, { maxOutputLength: maxBytes });
    } catch (cause) {
      const grew = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      throw refusal(
        grew ? 'The answer expands beyond what the tool allows.' : 'The compressed answer is damaged.',
        cause,
      );
    }
  }
  return decoded;
}

function listed(contentEncoding: string | undefined): Undo[] {
  const names = (contentEncoding ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > MAX_LAYERS) throw refusal('The answer is encoded too many times.');
  return names.map((name) => {
    const undo = Object.hasOwn(UNDO, name) ? UNDO[name] : undefined;
    if (undo === undefined)
      throw new BrokerError('response_unreadable', {
        detail: 'The content encoding is not gzip, deflate or br.',
      });
    return undo;
  });
}

function refusal(detail: string, cause?: unknown): BrokerError {
  return new BrokerError('upstream_response_refused', { detail, cause });
}

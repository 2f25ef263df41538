import { Transform, type TransformCallback } from 'node:stream';
import { BrokerError } from '../../kernel/broker-error.js';
import type { OutboundRequest } from '../destination/outbound-request.js';
import type { Scrubber } from '../scrub/scrubber.js';
import type { ToolSpec } from '../tool/tool-spec.js';
import { Upload } from '../tool/upload.js';
import { kindsOf } from './checks/blocked.js';
import type { OpenCall } from './open-call.js';

/**
 * The body of a call that is passed on as it comes: counted, limited, looked through for what must not leave. What
 * ends it early stops the call, with `request_blocked`, `request_too_large` or `call_cancelled`.
 */
export function passOn(open: OpenCall, upload: Upload, contentType: string, scrubber: Scrubber): Upload {
  const { spec, scrub: plan } = open.call.tool;
  const mode = spec.scrub.request;
  const scrub = scrubber.scrubStream(plan, [], contentType, mode);
  const tap = new UploadTap(spec.parameters.body?.max_bytes ?? 0, (bytes) => (open.sentBytes = bytes));
  const { source } = upload;
  const broken = (): void => open.stop(new BrokerError('call_cancelled'));
  const leave = (): void => {
    // Not destroyed with the rest: the caller's socket is behind it, and the answer has to get there.
    source.unpipe(tap);
    source.off('error', broken).off('aborted', broken);
    open.uploadFindings = scrub.findings();
  };
  const fail = (error: unknown): void => open.stop(requestErrorOf(error, kindsOf(scrub.findings())));
  source.once('error', broken).once('aborted', broken);
  tap.once('error', (error) => {
    fail(error);
    scrub.destroy();
  });
  scrub.once('error', fail).once('close', leave);
  source.pipe(tap).pipe(scrub);
  // A marker may be longer than what it stands for, so the length is not known before.
  return new Upload(scrub, mode === 'redact' ? undefined : upload.lengthBytes);
}

/** Lets chunks through, counts their bytes, and fails with `request_too_large` where they become too many. */
class UploadTap extends Transform {
  #bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly onBytes: (bytesSoFar: number) => void,
  ) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.maxBytes) return done(new BrokerError('request_too_large'));
    this.onBytes(this.#bytes);
    done(null, chunk);
  }
}

// The scrubber speaks of answers, which is what streams mostly are.
function requestErrorOf(error: unknown, kinds: string): BrokerError {
  if (error instanceof BrokerError && error.code === 'request_too_large') return error;
  const what = kinds === '' ? 'cannot be looked into' : `carries what must not leave: ${kinds}`;
  if (error instanceof BrokerError)
    return new BrokerError('request_blocked', { detail: `the request ${what}` });
  return new BrokerError('call_cancelled');
}

/** Bytes that are counted for a request before it leaves: of a body that has not come what was announced, or else the most. */
export function bytesBefore({ body, upload }: OutboundRequest, { parameters }: ToolSpec): number {
  if (upload === undefined) return body?.length ?? 0;
  return upload.lengthBytes ?? parameters.body?.max_bytes ?? 0;
}

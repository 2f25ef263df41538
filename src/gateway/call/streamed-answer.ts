import { pipeline, type Readable, type Transform } from 'node:stream';
import { BrokerError } from '../../kernel/broker-error.js';
import { crashPoint } from '../../kernel/crash-point.js';
import type { LimitState } from '../admission/admission-request.js';
import type { Finding } from '../scrub/finding.js';
import type { Scrubber } from '../scrub/scrubber.js';
import { AnswerTap } from './answer-tap.js';
import type { CallAnswer, CallEnd } from './call-answer.js';
import type { BegunAnswer } from './call-departure.js';
import { factsOf, type OpenCall } from './open-call.js';
import { streamDecoder } from './stream-decoding.js';

/** What a stream needs besides the answer itself. */
export interface StreamParts {
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly scrubber: Scrubber;
}

/**
 * Passes an answer on as it comes: decoded, counted, costed, scrubbed. The call ends when the stream does; a cut
 * destroys both ends of it, and who reads it gets the reason.
 */
export function streamAnswer(open: OpenCall, begun: BegunAnswer, parts: StreamParts): CallAnswer {
  const { response, secrets } = begun;
  const { tool } = open.call;
  const { max_bytes: maxBytes } = tool.spec.response;
  const decoder = streamDecoder(response.headers['content-encoding']);
  const cost = tool.cost.stream();
  open.costSoFar = () => cost.settle({ ...factsOf(open), complete: false });
  const tap = new AnswerTap(maxBytes, (chunk, bytesSoFar) => {
    open.responseBytes = bytesSoFar;
    cost.chunk(chunk);
  });
  const scrub = parts.scrubber.scrubStream(tool.scrub, secrets, parts.contentType, tool.spec.scrub.response);
  const stages: [Readable, ...Transform[]] =
    decoder === undefined ? [response.body, tap, scrub] : [response.body, decoder, tap, scrub];
  const before = [...open.findings];
  const { signal } = open;
  const cut = (): void => void scrub.destroy(signal.reason as Error);
  pipeline(stages as unknown as [Readable, Transform, Transform], (error) => {
    signal.removeEventListener('abort', cut);
    open.findings.splice(0, open.findings.length, ...before, ...scrub.findings());
    if (error) {
      open.fail(error.code === 'ERR_STREAM_PREMATURE_CLOSE' ? brokenOff(scrub) : error);
      return;
    }
    crashPoint('call.answered');
    const { micros, units } = cost.settle(factsOf(open));
    open.succeed(micros, units);
  });
  if (signal.aborted) cut();
  else signal.addEventListener('abort', cut, { once: true });
  return new StreamedAnswer(open, parts, scrub, () => [...before, ...scrub.findings()]);
}

// Whoever destroys what we hand out has given up; anything else that ends early is the provider's doing.
function brokenOff(handedOut: Transform): BrokerError {
  return handedOut.destroyed && !handedOut.errored
    ? new BrokerError('call_cancelled')
    : new BrokerError('upstream_unreachable', { detail: 'the answer broke off' });
}

class StreamedAnswer implements CallAnswer {
  readonly streamed = true;
  readonly callId: string;
  readonly tool: string;
  readonly toolVersion: number;
  readonly status: number;
  readonly limits: readonly LimitState[];
  readonly settled: Promise<CallEnd>;
  readonly ended: Promise<void>;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly content = undefined;

  constructor(
    open: OpenCall,
    parts: StreamParts,
    readonly body: Readable,
    readonly findings: () => readonly Finding[],
  ) {
    this.callId = open.callId;
    this.tool = open.call.tool.name;
    this.toolVersion = open.call.tool.version;
    this.status = open.status ?? 0;
    this.limits = open.admitted.limits;
    this.settled = open.settled;
    this.ended = open.ended;
    this.headers = parts.headers;
    this.contentType = parts.contentType;
  }
}

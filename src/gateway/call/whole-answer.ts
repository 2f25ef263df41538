import { Readable } from 'node:stream';
import type { LimitState } from '../admission/admission-request.js';
import type { Finding } from '../scrub/finding.js';
import type { CallAnswer, CallEnd } from './call-answer.js';
import type { OpenCall } from './open-call.js';

/** An answer that was read, checked and scrubbed as a whole. */
export class WholeAnswer implements CallAnswer {
  readonly streamed = false;

  constructor(
    private readonly open: OpenCall,
    readonly headers: Readonly<Record<string, string>>,
    readonly contentType: string,
    /** All of it, decoded. */
    readonly content: Buffer,
  ) {}

  get callId(): string {
    return this.open.callId;
  }
  get tool(): string {
    return this.open.call.tool.name;
  }
  get toolVersion(): number {
    return this.open.call.tool.version;
  }
  get status(): number {
    return this.open.status ?? 0;
  }
  get limits(): readonly LimitState[] {
    return this.open.admitted.limits;
  }
  get settled(): Promise<CallEnd> {
    return this.open.settled;
  }
  get ended(): Promise<void> {
    return this.open.ended;
  }
  get body(): Readable {
    return Readable.from(this.content.length === 0 ? [] : [this.content]);
  }
  findings(): readonly Finding[] {
    return this.open.findings;
  }
}

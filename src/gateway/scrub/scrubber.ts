import { Transform, type TransformCallback } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Secret } from '../../kernel/secret.js';
import type { ScrubMode } from '../tool/tool-spec.js';
import type { Finding } from './finding.js';
import type { ScrubPlan } from './scrub-plan.js';

/** A body after it was looked through. */
export interface Scrubbed {
  /** What may be passed on; the body itself where nothing was found. Empty when blocked. */
  readonly body: Buffer;
  readonly findings: readonly Finding[];
  /** Whether the body must not be passed on. */
  readonly blocked: boolean;
}

/** A stream that lets through what was looked through; in mode `block` it ends with `response_blocked`. */
export abstract class ScrubStream extends Transform {
  /** What was found so far. */
  abstract findings(): readonly Finding[];
}

/** Looks through what goes out and comes in for the injected credential, personal data, keys and a tool's patterns. */
@Injectable()
export class Scrubber {
  scrubBody(
    _plan: ScrubPlan,
    _secrets: readonly Secret[],
    body: Buffer,
    _contentType: string,
    _mode: ScrubMode,
  ): Scrubbed {
    return { body, findings: [], blocked: false };
  }

  scrubStream(
    _plan: ScrubPlan,
    _secrets: readonly Secret[],
    _contentType: string,
    _mode: ScrubMode,
  ): ScrubStream {
    return new Untouched();
  }
}

class Untouched extends ScrubStream {
  override findings(): readonly Finding[] {
    return [];
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    done(null, chunk);
  }
}

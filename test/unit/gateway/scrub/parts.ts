import { Secret } from '../../../../src/kernel/secret.js';
import type { Finding } from '../../../../src/gateway/scrub/finding.js';
import { compileScrub, type ScrubPlan } from '../../../../src/gateway/scrub/scrub-plan.js';
import { Scrubber, type Scrubbed } from '../../../../src/gateway/scrub/scrubber.js';
import type { ScrubMode, ScrubSpec } from '../../../../src/gateway/tool/tool-spec.js';

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';
export const EVENTS_TYPE = 'text/event-stream';

const scrubber = new Scrubber();

/** A plan with every detector, unless told otherwise. */
export function plan(spec: Partial<ScrubSpec> = {}): ScrubPlan {
  return compileScrub({
    response: 'redact',
    request: 'block',
    detectors: ['email', 'card', 'iban', 'key'],
    patterns: [],
    unreadable: 'refuse',
    ...spec,
  });
}

/** A body that was scrubbed as a whole. */
export function scrubbed(
  text: string,
  contentType: string,
  { secrets = [], mode = 'redact', spec = {} }: ScrubOptions = {},
): Scrubbed & { readonly text: string } {
  const result = scrubber.scrubBody(
    plan(spec),
    secrets.map((secret) => Secret.of(secret)),
    Buffer.from(text),
    contentType,
    mode,
  );
  return { ...result, text: result.body.toString() };
}

/** What comes out of a stream for each chunk that went in, and at its end; fails as the stream does. */
export async function streamed(
  chunks: readonly (string | Buffer)[],
  contentType: string,
  { secrets = [], mode = 'redact', spec = {} }: ScrubOptions = {},
): Promise<{
  readonly text: string;
  readonly pieces: readonly string[];
  readonly findings: readonly Finding[];
}> {
  const stream = scrubber.scrubStream(
    plan(spec),
    secrets.map((secret) => Secret.of(secret)),
    contentType,
    mode,
  );
  const pieces: string[] = [];
  let piece = '';
  stream.on('data', (chunk: Buffer) => (piece += chunk.toString('latin1')));
  const take = (): void => {
    pieces.push(Buffer.from(piece, 'latin1').toString());
    piece = '';
  };
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.once('end', () => {
      take();
      resolve();
    });
    const next = (index: number): void => {
      const chunk = chunks[index];
      if (chunk === undefined) {
        stream.end();
        return;
      }
      stream.write(chunk, () => {
        setImmediate(() => {
          take();
          next(index + 1);
        });
      });
    };
    next(0);
  });
  return { text: pieces.join(''), pieces, findings: stream.findings() };
}

export interface ScrubOptions {
  readonly secrets?: readonly string[];
  readonly mode?: ScrubMode;
  readonly spec?: Partial<ScrubSpec>;
}

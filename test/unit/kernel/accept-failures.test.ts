import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { surviveAcceptFailures } from '../../../src/kernel/accept-failures.js';
import { ManualClock } from '../../../src/kernel/clock.js';
import { SilentLog } from '../../../src/kernel/log.js';

class HeardLog extends SilentLog {
  readonly errors: unknown[] = [];
  override error(fields?: unknown): void {
    this.errors.push((fields as { error: unknown }).error);
  }
}

it('connections that cannot be taken end nothing, and are said each ten seconds', () => {
  const clock = new ManualClock(new Date('2026-01-01T00:00:00Z'));
  const log = new HeardLog();
  const server = createServer();
  const fail = (): boolean =>
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
  expect(fail).toThrow('accept EMFILE');
  surviveAcceptFailures(server, log, clock);
  fail();
  fail();
  clock.advanceMs(10_000);
  fail();
  expect(log.errors).toEqual(['Error (EMFILE)', 'Error (EMFILE)']);
});

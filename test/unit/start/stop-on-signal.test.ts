import { expect, it, onTestFinished } from 'vitest';
import { SilentLog } from '../../../src/kernel/log.js';
import { stopOnSignal } from '../../../src/stop-on-signal.js';
import { everythingDue, unhandledRejections } from '../../support/unhandled.js';

it('a stop that fails while nobody waits for it yet is told to who waits later', async () => {
  const unhandled = unhandledRejections();
  const before = new Set([...process.listeners('SIGTERM'), ...process.listeners('SIGINT')]);
  onTestFinished(() => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      for (const listener of process.listeners(signal))
        if (!before.has(listener)) process.removeListener(signal, listener);
  });
  const close = (): Promise<void> => Promise.reject(new Error('a job does not end'));
  const stopped = stopOnSignal({ log: new SilentLog(), close });
  for (const listener of process.listeners('SIGTERM')) if (!before.has(listener)) listener('SIGTERM');
  await everythingDue();
  expect(unhandled).toEqual([]);
  await expect(stopped).rejects.toThrow('a job does not end');
});

import { closeSync, openSync } from 'node:fs';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { standardOutput } from '../../../src/api/observability/pino-log.js';
import { until } from '../../support/until.js';
import { everythingDue, uncaughtErrors } from '../../support/unhandled.js';

it('a log that cannot be written ends nothing, and is said once', async () => {
  const uncaught = uncaughtErrors();
  // Every write fails as on a disk that is full.
  const full = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(full));
  const said: string[] = [];
  const log = pino(
    { base: null },
    standardOutput(full, (text) => void said.push(text)),
  );
  for (let line = 0; line < 3; line += 1) {
    log.info('something happened');
    await until(() => said.length > 0);
    await everythingDue();
  }
  expect(uncaught).toEqual([]);
  expect(said.map((text) => JSON.parse(text) as unknown)).toEqual([
    { level: 'error', msg: 'the log cannot be written', code: 'ENOSPC' },
  ]);
});

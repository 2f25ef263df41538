import { Readable, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { main } from '../../../src/cli/leasegate.js';
import { uncaughtErrors } from '../../support/unhandled.js';

it('input that cannot be read any more ends `mcp` as its end does', async () => {
  const uncaught = uncaughtErrors();
  const sink = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
  // Such as a terminal that is gone.
  const stdin = new Readable({
    read() {
      this.destroy(Object.assign(new Error('read EIO'), { code: 'EIO' }));
    },
  });
  const environment = { LEASEGATE_OIDC_TOKEN: 'platform', LEASEGATE_RUN_ID: 'run-1' };
  const exitCode = await main(['mcp', '--url', 'http://127.0.0.1:9'], {
    stdin,
    stdout: sink(),
    stderr: sink(),
    environment,
  });
  expect([exitCode, uncaught]).toEqual([0, []]);
});

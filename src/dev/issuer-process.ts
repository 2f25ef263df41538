import { fileURLToPath } from 'node:url';
import { startChild } from './child.js';
import type { Reaper } from './reaper.js';

/** A development issuer in a process of its own; needs the build. */
export async function startIssuerProcess(reaper: Reaper): Promise<{ url: string; stop(): Promise<void> }> {
  let url: string | undefined;
  const child = await startChild(reaper, {
    name: 'the development issuer',
    command: process.execPath,
    args: [fileURLToPath(new URL('issuer-main.js', import.meta.url))],
    env: { PATH: process.env['PATH'] ?? '' },
    ready: (output) => (url = /^\{"issuer":"(.+)"\}$/m.exec(output)?.[1]) !== undefined,
    deadlineMs: 15_000,
  });
  if (url === undefined) throw new Error('the development issuer did not say where it is');
  return { url, stop: () => child.stop() };
}

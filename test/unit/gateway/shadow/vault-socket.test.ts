import { Server } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ManualClock } from '../../../../src/kernel/clock.js';
import { RandomIds } from '../../../../src/kernel/ids.js';
import { SilentLog } from '../../../../src/kernel/log.js';
import type { Settings } from '../../../../src/settings/schema.js';
import { VaultSocket } from '../../../../src/gateway/shadow/follow/vault-socket.js';

it('a line of Vault that cannot be taken, for want of file descriptors, ends no broker', async () => {
  const listened = vi.spyOn(Server.prototype, 'listen');
  onTestFinished(() => listened.mockRestore());
  const clock = new ManualClock(new Date('2026-01-01T00:00:00Z'));
  const settings = {
    values: { roles: ['scheduler'], vaultAudit: { listen: { port: 0, host: '127.0.0.1', keepLines: 1 } } },
  } as unknown as Settings;
  const nothing = {} as never;
  const socket = new VaultSocket(
    settings,
    nothing,
    nothing,
    nothing,
    new RandomIds(clock),
    clock,
    new SilentLog(),
  );
  await socket.onApplicationBootstrap();
  onTestFinished(() => socket.beforeApplicationShutdown());
  const server = listened.mock.contexts[0] as Server;
  expect(server.address()).toMatchObject({ port: socket.port });
  expect(() => server.emit('error', new Error('accept EMFILE'))).not.toThrow();
});

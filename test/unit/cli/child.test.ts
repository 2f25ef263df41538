import { EventEmitter } from 'node:events';
import { expect, it, vi } from 'vitest';
import { startChild } from '../../../src/cli/exec/child.js';

const { started } = vi.hoisted(() => ({ started: [] as unknown[] }));
vi.mock('node:child_process', () => ({ spawn: () => started.at(-1) }));

it('a command that may not be signalled, more than once, ends nothing but itself', async () => {
  const child = Object.assign(new EventEmitter(), {
    pid: 7,
    // As Node does where the command has become another user's.
    kill: () => child.emit('error', Object.assign(new Error('kill EPERM'), { code: 'EPERM' })),
  });
  started.push(child);
  const running = startChild(['sudo'], {}, { terminal: false, onFailure: () => expect.unreachable() });
  running.pass('SIGTERM');
  running.pass('SIGTERM');
  running.kill('SIGKILL');
  child.emit('exit', 0, null);
  expect(await running.exit).toBe(0);
});

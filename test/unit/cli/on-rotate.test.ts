import { describe, expect, it } from 'vitest';
import { onRotateOf, rotatedCredentials } from '../../../src/cli/exec/on-rotate.js';
import { planOf } from '../../../src/cli/exec/plan.js';

const usage = expect.objectContaining({ code: 'usage', exitCode: 2 }) as Error;

describe('--on-rotate', () => {
  it.each(['', 'signal', 'signal:', 'signal:NONE', 'signal:hup', 'signal:KILL', 'signal:SIGSTOP', 'Restart'])(
    'refuses %j',
    (text) => expect(() => onRotateOf(text)).toThrow(usage),
  );

  it.each([
    [undefined, { kind: 'none' }],
    ['none', { kind: 'none' }],
    ['restart', { kind: 'restart' }],
    ['signal:HUP', { kind: 'signal', signal: 'SIGHUP' }],
    ['signal:SIGUSR1', { kind: 'signal', signal: 'SIGUSR1' }],
  ])('takes %j', (text, expected) => expect(onRotateOf(text)).toEqual(expected));
});

describe('what is replaced', () => {
  const plan = planOf({ credential: ['in-variables'], env: ['X=in-both.x'], file: ['in-both=/run/x'] });

  it('refuses a signal when there is nothing to tell', () => {
    const bare = planOf({ credential: ['orders'], env: [], file: [] });
    expect(() => rotatedCredentials(bare, { kind: 'signal', signal: 'SIGHUP' })).toThrow(usage);
  });

  it('is what the command can see: files, and with a restart everything', () => {
    expect([...rotatedCredentials(plan, { kind: 'none' })]).toEqual(['in-both']);
    expect([...rotatedCredentials(plan, { kind: 'restart' })]).toEqual(['in-variables', 'in-both']);
  });
});

import { once } from 'node:events';
import { expect, it } from 'vitest';
import { AnswerTap } from '../../../../src/gateway/call/answer-tap.js';

it('a look at an answer that fails ends the answer, and not whoever feeds it', async () => {
  const tap = new AnswerTap(100, () => {
    throw new Error('cannot be counted');
  });
  const failed = once(tap, 'error');
  expect(() => tap.write(Buffer.from('piece'))).not.toThrow();
  expect((await failed)[0]).toEqual(new Error('cannot be counted'));
});

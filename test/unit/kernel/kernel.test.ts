import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerError, hasCode } from '../../../src/kernel/broker-error.js';
import { ManualClock } from '../../../src/kernel/clock.js';
import { ERROR_CODES } from '../../../src/kernel/error-codes.js';
import { isUuid, RandomIds } from '../../../src/kernel/ids.js';
import { Secret } from '../../../src/kernel/secret.js';

const START = new Date('2026-01-02T03:04:05.678Z');

describe('a secret', () => {
  it('is not in anything that is made of it by accident', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12 }), (value) => {
        const secret = Secret.of(value);
        const shown = [
          String(secret),
          JSON.stringify({ secret }),
          inspect({ deep: { secret } }),
          JSON.stringify({ ...secret }),
        ];
        for (const text of shown) expect(text).not.toContain(JSON.stringify(value).slice(1, -1));
        expect(secret.expose()).toBe(value);
      }),
    );
  });

  it('is compared by its value', () => {
    expect(Secret.equal(Secret.of('a'), Secret.of('a'))).toBe(true);
    expect(Secret.equal(Secret.of('a'), Secret.of('b'))).toBe(false);
    expect(Secret.equal(Secret.of('a'), Secret.of('a longer one'))).toBe(false);
  });
});

describe('identifiers', () => {
  it('are UUIDs of version 7, in order of time, and never the same', () => {
    const clock = new ManualClock(START);
    const ids = new RandomIds(clock);
    const made = Array.from({ length: 2_000 }, () => (clock.advanceMs(1), ids.uuid()));
    expect(made.every(isUuid)).toBe(true);
    expect(made.every((id) => id[14] === '7')).toBe(true);
    expect(new Set(made).size).toBe(made.length);
    expect([...made].sort()).toEqual(made);
    expect(made[0]?.slice(0, 13).replace('-', '')).toBe((START.getTime() + 1).toString(16).padStart(12, '0'));
  });

  it('come of bytes that nobody gets twice, however many are asked for', () => {
    const ids = new RandomIds(new ManualClock(START));
    const drawn = [16, 4_000, 100, 16, 5_000, 4_096, 16].map((size) => ids.bytes(size));
    expect(drawn.map((bytes) => bytes.length)).toEqual([16, 4_000, 100, 16, 5_000, 4_096, 16]);
    const pieces = drawn.flatMap((bytes) =>
      Array.from({ length: Math.floor(bytes.length / 16) }, (_, at) =>
        bytes.toString('hex', at * 16, at * 16 + 16),
      ),
    );
    expect(new Set(pieces).size).toBe(pieces.length);
  });

  it.each([
    '',
    'x',
    '00000000-0000-0000-0000-000000000000',
    '01A1FC22-447D-7647-996C-FF087E19BB10',
    "01a1fc22-447d-7647-996c-ff087e19bb1'",
  ])('do not look like %j', (text) => expect(isUuid(text)).toBe(false));
});

describe('errors', () => {
  it('have a status and a description each', () => {
    for (const [code, { status, title }] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(title, code).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('keep what is for the log out of what is for the caller', () => {
    const error = new BrokerError('vault_refused', { detail: 'try again', internal: 'role missing' });
    expect(error.message).not.toContain('role missing');
    expect(hasCode(error, 'vault_refused')).toBe(true);
    expect(hasCode(new Error('vault_refused'), 'vault_refused')).toBe(false);
  });
});

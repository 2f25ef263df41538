import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import { safeErrorFields, safeErrorText } from '../../../src/kernel/safe-error.js';

const MARKER = 'hvs.marker-of-a-secret';

describe('what is written of an error', () => {
  it.each<[string, unknown]>([
    ['a message', new Error(MARKER)],
    ['a message of several lines', new Error(`x\n    at ${MARKER}:1:1\n${MARKER}`)],
    ['a code that is none', Object.assign(new Error('x'), { code: MARKER })],
    ['what is no error', MARKER],
    ['a detail', new BrokerError('conflict', { detail: MARKER })],
    ['a cause', new Error('x', { cause: new Error(MARKER) })],
    ['other members', Object.assign(new Error('x'), { response: { body: MARKER }, parameters: [MARKER] })],
  ])('never has %s', (_, error) => {
    expect(safeErrorText(error)).not.toContain(MARKER);
    expect(JSON.stringify(safeErrorFields(error))).not.toContain(MARKER);
  });

  it('says what kind it was, and where it came from', () => {
    expect(safeErrorText(new BrokerError('vault_sealed'))).toBe('vault_sealed');
    expect(safeErrorText(new TypeError('x'))).toBe('TypeError');
    expect(safeErrorText(Object.assign(new Error('x'), { driverError: { code: '40001' } }))).toBe(
      'Error (40001)',
    );
    expect(safeErrorFields(new Error('x'))['at']).toEqual(
      expect.arrayContaining([expect.stringContaining('safe-error')]),
    );
  });
});

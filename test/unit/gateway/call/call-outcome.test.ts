import { describe, expect, it } from 'vitest';
import { brokerErrorOf, outcomeOf } from '../../../../src/gateway/call/call-outcome.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';

const timeout = new BrokerError('upstream_timeout');
const blocked = new BrokerError('response_blocked');
const closed = new BrokerError('run_closed');

describe('the outcome of a call that broke', () => {
  it.each([
    ['what left without an answer', timeout, true, false, 'unknown'],
    ['what was cut after it left', closed, true, false, 'unknown'],
    ['what we did not pass on', blocked, true, true, 'refused'],
    ['what was cut while it answered', closed, true, true, 'refused'],
    ['what broke off while it answered', timeout, true, true, 'failure'],
    ['what never left', timeout, false, false, 'failure'],
    ['what might not leave', new BrokerError('destination_refused'), false, false, 'refused'],
  ] as const)('is known: %s', (_, error, sent, answered, outcome) => {
    expect(outcomeOf(error, { sent, answered })).toBe(outcome);
  });

  it('has the code of the cut, whatever the cut broke', () => {
    const cut = new AbortController();
    expect(brokerErrorOf(new Error('socket'), cut.signal).code).toBe('internal_error');
    expect(brokerErrorOf(timeout, cut.signal)).toBe(timeout);
    cut.abort(closed);
    expect(brokerErrorOf(timeout, cut.signal)).toBe(closed);
  });
});

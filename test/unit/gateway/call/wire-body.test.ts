import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readWhole } from '../../../../src/gateway/call/wire-body.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';

const never = new AbortController().signal;

describe('a body that is read as a whole', () => {
  it('is refused when it is too large, and its connection ends', async () => {
    const body = Readable.from([Buffer.alloc(6), Buffer.alloc(5), Buffer.alloc(1_000)]);
    await expect(readWhole(body, 10, never)).rejects.toMatchObject({ code: 'response_too_large' });
    expect(body.destroyed).toBe(true);
  });

  it('rejects with the reason of the cut', async () => {
    const body = new PassThrough();
    const cut = new AbortController();
    const read = readWhole(body, 10, cut.signal);
    body.write('x');
    cut.abort(new BrokerError('run_closed'));
    await expect(read).rejects.toMatchObject({ code: 'run_closed' });
    expect(body.destroyed).toBe(true);
    const late = new PassThrough();
    await expect(readWhole(late, 10, cut.signal)).rejects.toMatchObject({ code: 'run_closed' });
    expect(late.destroyed).toBe(true);
  });

  it('that breaks off is no whole body', async () => {
    const body = new PassThrough();
    const read = readWhole(body, 10, never);
    body.write('x');
    body.destroy();
    await expect(read).rejects.toMatchObject({ code: 'upstream_unreachable' });
    const broken = new PassThrough();
    const other = readWhole(broken, 10, never);
    broken.destroy(new BrokerError('upstream_timeout'));
    await expect(other).rejects.toMatchObject({ code: 'upstream_timeout' });
  });

  it('is all of it, up to the limit', async () => {
    expect((await readWhole(Readable.from([]), 10, never)).length).toBe(0);
    const whole = await readWhole(Readable.from([Buffer.from('abc'), Buffer.from('defghij')]), 10, never);
    expect(whole.toString()).toBe('abcdefghij');
  });
});

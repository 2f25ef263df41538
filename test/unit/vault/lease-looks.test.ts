import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { LeaseLooks } from '../../../src/vault/lease-looks.js';
import { ManualClock } from '../../../src/kernel/clock.js';

/** Leases that are there, and looks that answer when they are told to, from what was there when they began. */
class Leases {
  readonly there = new Set<string>();
  readonly open: (() => void)[] = [];
  readonly asked: string[] = [];
  failListing = false;

  readonly lookUps = {
    one: (id: string): Promise<'present' | 'gone'> => {
      this.asked.push(`one ${id}`);
      const seen = this.there.has(id) ? 'present' : 'gone';
      return new Promise((resolve) => this.open.push(() => resolve(seen)));
    },
    keysBelow: (prefix: string): Promise<readonly string[]> => {
      this.asked.push(`list ${prefix}`);
      const keys = [...this.there]
        .filter((id) => id.startsWith(`${prefix}/`))
        .map((id) => id.split('/').at(-1) ?? '');
      const { failListing } = this;
      return new Promise((resolve, reject) =>
        this.open.push(() => (failListing ? reject(new Error('denied')) : resolve(keys))),
      );
    },
  };

  async answer(): Promise<void> {
    await settled();
    while (this.open.length > 0) {
      this.open.shift()?.();
      await settled();
    }
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('looks at leases', () => {
  it('asks for a single one by itself', async () => {
    const leases = new Leases();
    leases.there.add('db/creds/r/a');
    const looks = new LeaseLooks(new ManualClock(new Date(0)), leases.lookUps);
    const look = looks.lookUp('db/creds/r/a');
    await leases.answer();
    await expect(look).resolves.toBe('present');
    expect(leases.asked).toEqual(['one db/creds/r/a']);
  });

  it('lists the role for many, and never with a listing that began before the question', async () => {
    const leases = new Leases();
    const ids = ['b', 'c', 'd', 'e', 'f'].map((key) => `db/creds/r/${key}`);
    for (const id of ids) leases.there.add(id);
    const looks = new LeaseLooks(new ManualClock(new Date(0)), leases.lookUps);
    const first = looks.lookUp('db/creds/r/a');
    const many = ids.slice(0, 4).map((id) => looks.lookUp(id));
    await settled();
    leases.open.shift()?.();
    await first;
    await settled();
    expect(leases.asked).toEqual(['one db/creds/r/a', 'list db/creds/r']);
    leases.there.delete('db/creds/r/f');
    const late = looks.lookUp('db/creds/r/f');
    await leases.answer();
    await expect(Promise.all(many)).resolves.toEqual(['present', 'present', 'present', 'present']);
    await expect(late).resolves.toBe('gone');
  });

  it('puts looks off while nobody is in a hurry, and looks for all when somebody is', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const clock = new ManualClock(new Date(0));
      const leases = new Leases();
      const looks = new LeaseLooks(clock, leases.lookUps);
      const first = ['a', 'b', 'c', 'd'].map((key) => looks.lookUp(`db/creds/r/${key}`, 500));
      clock.advanceMs(499);
      await vi.advanceTimersByTimeAsync(499);
      expect(leases.asked).toEqual([]);
      clock.advanceMs(1);
      await vi.advanceTimersByTimeAsync(1);
      await leases.answer();
      await expect(Promise.all(first)).resolves.toEqual(['gone', 'gone', 'gone', 'gone']);
      const second = ['e', 'f', 'g'].map((key) => looks.lookUp(`db/creds/r/${key}`, 500));
      second.push(looks.lookUp('db/creds/r/h'));
      await leases.answer();
      await expect(Promise.all(second)).resolves.toEqual(['gone', 'gone', 'gone', 'gone']);
      expect(leases.asked).toEqual(['list db/creds/r', 'list db/creds/r']);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('asks for each when the role may not be listed or is too long, for a while', async () => {
    const clock = new ManualClock(new Date(0));
    const leases = new Leases();
    leases.failListing = true;
    const looks = new LeaseLooks(clock, leases.lookUps);
    const ask = async (): Promise<string[]> => {
      leases.asked.splice(0);
      const all = ['a', 'b', 'c', 'd', 'e'].map((key) => looks.lookUp(`db/creds/r/${key}`));
      await leases.answer();
      await expect(Promise.all(all)).resolves.toEqual(all.map(() => 'gone'));
      return leases.asked.map((line) => line.split(' ', 1)[0] ?? '');
    };
    expect(await ask()).toEqual(['one', 'list', 'one', 'one', 'one', 'one']);
    expect(await ask()).not.toContain('list');
    clock.advanceMs(60_000);
    leases.failListing = false;
    for (let n = 0; n < 1_100; n += 1) leases.there.add(`db/creds/r/other-${n}`);
    expect(await ask()).toEqual(['one', 'list']);
    expect(await ask()).not.toContain('list');
  });

  it('lists a long role again as soon as enough is asked for, or when nobody knows how long it is now', async () => {
    const clock = new ManualClock(new Date(0));
    const leases = new Leases();
    for (let n = 0; n < 2_000; n += 1) leases.there.add(`db/creds/r/other-${n}`);
    const looks = new LeaseLooks(clock, leases.lookUps);
    const ask = async (count: number): Promise<number> => {
      leases.asked.splice(0);
      const all = Array.from({ length: count }, (_, n) => looks.lookUp(`db/creds/r/${n}`));
      await leases.answer();
      await expect(Promise.all(all)).resolves.toEqual(all.map(() => 'gone'));
      return leases.asked.filter((line) => line.startsWith('list')).length;
    };
    expect(await ask(6)).toBe(1);
    expect(await ask(6)).toBe(0);
    expect(await ask(12)).toBe(1);
    expect(await ask(6)).toBe(0);
    clock.advanceMs(60_000);
    expect(await ask(6)).toBe(1);
  });

  it('passes on what a look was refused with', async () => {
    const looks = new LeaseLooks(new ManualClock(new Date(0)), {
      one: () => Promise.reject(new Error('sealed')),
      keysBelow: () => Promise.reject(new Error('sealed')),
    });
    const all = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => looks.lookUp(`db/creds/r/${key}`)),
    );
    expect(all.every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('never says gone of one that is there, nor present of one that went before it was asked for', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('end' as const), key: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ kind: fc.constant('ask' as const), key: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ kind: fc.constant('answer' as const), key: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const leases = new Leases();
        for (let key = 0; key < 10; key += 1) leases.there.add(`db/creds/r/${key}`);
        const looks = new LeaseLooks(new ManualClock(new Date(0)), leases.lookUps);
        const asked: { look: Promise<string>; goneBefore: boolean; id: string }[] = [];
        for (const { kind, key } of steps) {
          const id = `db/creds/r/${key}`;
          if (kind === 'end') leases.there.delete(id);
          if (kind === 'ask') asked.push({ look: looks.lookUp(id), goneBefore: !leases.there.has(id), id });
          if (kind === 'answer') leases.open.shift()?.();
          await settled();
        }
        await leases.answer();
        for (const { look, goneBefore, id } of asked) {
          const presence = await look;
          if (goneBefore) expect(presence).toBe('gone');
          if (presence === 'gone') expect(leases.there.has(id)).toBe(false);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

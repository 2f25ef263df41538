import { describe, expect, it } from 'vitest';
import { EVENT_KINDS, type EventData, type EventKind } from '../../../src/audit/catalogue.js';
import type { Fields } from '../../../src/audit/field-class.js';
import { CALLER, leafMaker, recordingTx } from './inbox-parts.js';

const kinds = Object.keys(EVENT_KINDS) as EventKind[];

describe('classes of fields', () => {
  it.each(['extra', 'constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'an unclassified field, here %s, is refused at append, whatever the kind',
    async (name) => {
      const { tx, statements } = recordingTx();
      for (const kind of kinds) {
        const data = JSON.parse(`{${JSON.stringify(name)}:"x"}`) as EventData<EventKind>;
        await expect(leafMaker().append(tx, kind, { caller: CALLER }, data)).rejects.toThrow(/no field/);
      }
      expect(statements).toEqual([]);
    },
  );

  it.each(['no.such', 'constructor', '__proto__'])(
    'a kind outside the catalogue, %s, is refused',
    async (kind) => {
      const { tx, statements } = recordingTx();
      const append = leafMaker().append(tx, kind as EventKind, { caller: CALLER }, {});
      await expect(append).rejects.toThrow(/catalogue/);
      expect(statements).toEqual([]);
    },
  );

  it('an event larger than a leaf is refused, not cut', async () => {
    const { tx, statements } = recordingTx();
    const append = leafMaker().append(
      tx,
      'run.closed',
      { caller: CALLER },
      { leases: 1, reason: 'x'.repeat(70_000) },
    );
    await expect(append).rejects.toThrow(/more than a leaf/);
    expect(statements).toEqual([]);
  });

  it('every field of every kind has a class', () => {
    const unclassified = kinds.flatMap((kind) =>
      Object.entries(EVENT_KINDS[kind] as Fields)
        .filter(([, field]) => field.class !== 'public' && field.class !== 'sensitive')
        .map(([name]) => `${kind}.${name}`),
    );
    expect(unclassified).toEqual([]);
    expect(kinds.length).toBeGreaterThan(30);
  });

  it('of a sensitive field only the HMAC is written, for every kind that has one', () => {
    const inbox = leafMaker();
    const sensitive = kinds.flatMap((kind) =>
      Object.entries(EVENT_KINDS[kind] as Fields)
        .filter(([, field]) => field.class === 'sensitive')
        .map(([name]) => ({ kind, name })),
    );
    expect(sensitive).toContainEqual({ kind: 'lease.issued', name: 'account' });
    for (const { kind, name } of sensitive) {
      const leaf = inbox.leaf('id', kind, { caller: CALLER }, { [name]: 'marker-value' }).toString('utf8');
      expect(leaf).not.toContain('marker-value');
      expect(leaf).toContain(inbox.hmac('marker-value'));
    }
  });

  it('two events of the same content have different leaves', () => {
    const inbox = leafMaker();
    const [one, two] = [0, 1].map(() =>
      inbox.leaf('id', 'grant.approved', { caller: CALLER }, { version: 1 }),
    );
    expect(one?.equals(two!)).toBe(false);
  });
});

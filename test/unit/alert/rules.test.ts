import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { groupKey, CompiledRule, sampleOf } from '../../../src/alert/compiled-rule.js';
import { ruleSchema } from '../../../src/alert/rule.js';
import { readRules, shippedRulesFolder } from '../../../src/alert/rule-files.js';
import { silences } from '../../../src/alert/silence.js';

const RULE = { name: 'r', summary: 's', severity: 'warning', when: { kinds: ['call.refused'] } };
const rule = (when: object, more: object = {}): CompiledRule =>
  CompiledRule.of(ruleSchema.parse({ ...RULE, ...more, when: { kinds: ['call.refused'], ...when } }));
const event = (more: object = {}): Record<string, unknown> => ({
  kind: 'call.refused',
  outcome: 'refused',
  code: 'run_identity_missing',
  data: { check: 'run-token' },
  ...more,
});

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'leasegate-rules-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe('rules that are refused', () => {
  it.each([
    ['an unknown kind', { when: { kinds: ['call.refusd'] } }],
    ['a group of kinds that is empty', { when: { kinds: ['nothing.*'] } }],
    ['alerts about alerts', { when: { kinds: ['alert.fired'] } }],
    ['an unknown code', { when: { kinds: ['call.refused'], codes: ['no_such_code'] } }],
    ['an unknown outcome', { when: { kinds: ['call.refused'], outcomes: ['bad'] } }],
    ['no kinds', { when: { kinds: [] } }],
    ['an unknown field', { wen: 1 }],
    ['a path with an index', { group_by: ['data[0]'] }],
    ['a repeat that would flood', { repeat_seconds: 1 }],
    ['an unknown severity', { severity: 'fatal' }],
  ])('%s', (_, more) => {
    expect(ruleSchema.safeParse({ ...RULE, ...more }).success).toBe(false);
  });

  it.each(['event.', 'event.kind', 'claims.kind == "x"', 'event.data.map(x, x).size() > 0'])(
    'an expression such as %s',
    (cel) => {
      expect(() => rule({ cel })).toThrow(TypeError);
    },
  );

  it('all at once, by file', () => {
    const folder = folderWith({
      'a.yaml': stringify({ ...RULE, when: { kinds: ['nothing'] } }),
      'b.yaml': 'not: [yaml',
      'c.yaml': stringify({ ...RULE, channels: ['nobody'] }),
      'd.yaml': stringify({ ...RULE }),
      'e.yaml': stringify({ ...RULE, name: 'e', when: { kinds: ['call.refused'], cel: 'x' } }),
      'note.txt': 'no rule',
    });
    let message = '';
    try {
      readRules(folder, ['ops']);
    } catch (error) {
      message = String(error);
    }
    for (const said of [
      'a.yaml',
      'b.yaml',
      'c.yaml',
      'nobody',
      'd.yaml',
      'another rule',
      'e.yaml',
      'when.cel',
    ])
      expect(message).toContain(said);
    expect(message).not.toContain('note.txt');
    expect(() => readRules(join(folder, 'nowhere'), [])).toThrow('cannot be read');
  });
});

describe('matching', () => {
  it.each([
    ['another kind', {}, event({ kind: 'call.ended' })],
    ['another outcome', { outcomes: ['failure'] }, event()],
    ['another code', { codes: ['run_closed'] }, event()],
    ['no code', { codes: ['run_closed'] }, event({ code: undefined })],
    ['an expression that is false', { cel: 'event.data.check == "limits"' }, event()],
    ['an expression about what is absent', { cel: 'event.data.host == "x"' }, event()],
  ])('leaves out %s', (_, when, about) => {
    expect(rule(when).match(about).matched).toBe(false);
  });

  it('leaves out everything when the rule is off', () => {
    expect(rule({}, { enabled: false }).match(event()).matched).toBe(false);
  });

  it.each([
    ['kind alone', {}],
    ['a group of kinds', { kinds: ['call.*'] }],
    [
      'outcome, code and expression',
      { outcomes: ['refused'], codes: ['run_identity_missing'], cel: 'event.data.check.startsWith("run")' },
    ],
  ])('finds by %s', (_, when) => {
    expect(rule(when).match(event())).toEqual({ matched: true });
  });

  it('says why an expression could not be evaluated', () => {
    expect(rule({ cel: 'event.data.host == "x"' }).match(event()).error).toMatch(/No such key/);
  });

  it('is not kept from matching by an event that is made too large to be looked at', () => {
    const large = event({ data: { check: 'x'.repeat(10_000) } });
    expect(rule({ cel: 'event.data.check == "never"' }).match(large).matched).toBe(true);
  });
});

describe('groups', () => {
  const grouped = rule({}, { group_by: ['workload.subject', 'data.count', 'data.nothing'] });

  it('are told apart by what their labels say, clipped', () => {
    const labels = grouped.labelsOf(event({ workload: { subject: 'x'.repeat(1_000) }, data: { count: 3 } }));
    expect(labels).toEqual({ 'workload.subject': 'x'.repeat(256), 'data.count': '3' });
  });

  it('have keys that do not depend on order, and differ where a label is absent', () => {
    expect(groupKey({ a: '1', b: '2' })).toBe(groupKey({ b: '2', a: '1' }));
    expect(groupKey({ a: '1' })).not.toBe(groupKey({ a: '1', b: '' }));
    expect(groupKey({})).not.toBe(groupKey({ a: '' }));
  });

  it('see nothing that objects inherit', () => {
    expect(rule({}, { group_by: ['constructor', 'data.to_string'] }).labelsOf(event())).toEqual({});
  });

  it('keep what leads further, and none of the data', () => {
    const sample = sampleOf(7, event({ id: 'e', time: 't', request_id: 'ref', run: { run_id: 'r1' } }));
    expect(sample).toEqual({
      index: 7,
      event_id: 'e',
      time: 't',
      kind: 'call.refused',
      outcome: 'refused',
      code: 'run_identity_missing',
      reference: 'ref',
      run_id: 'r1',
    });
  });
});

describe('silences', () => {
  const alert = { rule: 'r', severity: 'warning', labels: { 'data.host': 'a' } } as const;

  it.each([
    [{}, false],
    [{ rule: 'other' }, false],
    [{ rule: 'r', 'data.host': 'b' }, false],
    [{ constructor: 'x' }, false],
    [{ rule: 'r' }, true],
    [{ severity: 'warning', 'data.host': 'a' }, true],
  ])('with %j match: %s', (matchers, expected) => {
    expect(silences({ matchers: matchers }, alert)).toBe(expected);
  });
});

it('the rules that come with the program are valid, and each names what to look at', () => {
  const rules = readRules(shippedRulesFolder(), ['log']);
  expect(rules.map(({ rule: { name } }) => name)).toEqual(
    expect.arrayContaining([
      'call-without-run',
      'lease-revocation-failed',
      'lease-unknown-found',
      'request-blocked',
      'shadow-egress',
      'shadow-provider-usage',
      'shadow-vault-read',
    ]),
  );
  expect(rules.every(({ rule: { group_by: groups } }) => groups.length > 0)).toBe(true);
});

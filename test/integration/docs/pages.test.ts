import { existsSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { STEP_NAMES } from '../../../src/dev/demo/step.js';
import { ruleSchema } from '../../../src/alert/rule.js';
import { CostRule } from '../../../src/gateway/cost/cost-rule.js';
import { compileScrub } from '../../../src/gateway/scrub/scrub-plan.js';
import { CompiledTool } from '../../../src/gateway/tool/compiled-tool.js';
import { toolSpecSchema } from '../../../src/gateway/tool/tool-spec.js';
import { grantSpecBody, grantSpecOf } from '../../../src/api/schema/grant-body.js';
import { compileConditions } from '../../../src/grant/conditions.js';
import { grantSpecSchema } from '../../../src/grant/grant-spec.js';
import { settingsFrom } from '../../../src/settings/load.js';
import { linkTarget, pages, pageText, snippetsOf } from './snippets.js';

const snippets = pages().flatMap(snippetsOf);

/** What every settings file needs and a page about something else leaves out. */
const REST = {
  database: { url: 'postgres://nobody@db.example/leasegate' },
  vault: {
    address: 'https://vault.example',
    login: { method: 'approle', roleId: 'role', secretId: 'secret' },
  },
  issuers: [{ name: 'ci', url: 'https://issuer.example', audience: 'https://leasegate.example' }],
  audit: { hmacKey: 'key' },
};

describe('pages', () => {
  it.each(snippets.filter(({ kind }) => kind === 'yaml settings'))(
    '$where is a settings file',
    ({ text }) => {
      expect(() => settingsFrom({ ...REST, ...(parse(text) as object) })).not.toThrow();
    },
  );

  it.each(snippets.filter(({ kind }) => kind === 'yaml grant'))('$where is a grant', ({ text }) => {
    const spec = grantSpecSchema.parse(grantSpecOf(grantSpecBody.parse(parse(text))));
    expect(() => compileConditions(spec.workload)).not.toThrow();
  });

  it.each(snippets.filter(({ kind }) => kind === 'yaml tool'))('$where is a tool', ({ text }) => {
    const spec = toolSpecSchema.parse(parse(text));
    const at = new Date(0);
    const tool = {
      name: spec.name,
      version: 1,
      spec,
      enabled: true,
      credentialOff: false,
      createdAt: at,
      createdBy: '',
      updatedAt: at,
    };
    expect(CompiledTool.of(tool, { strict: true }).tool.name).toBe(spec.name);
    expect(() => compileScrub(spec.scrub)).not.toThrow();
    expect(() => CostRule.of(spec.cost)).not.toThrow();
  });

  it.each(snippets.filter(({ kind }) => kind === 'yaml rule'))('$where is a rule', ({ text }) => {
    expect(ruleSchema.parse(parse(text)).name).toBeTypeOf('string');
  });

  it.each(snippets.filter(({ kind }) => kind === 'json'))('$where is JSON', ({ text }) => {
    expect(JSON.parse(text)).toBeTypeOf('object');
  });

  it.each(snippets.filter(({ kind }) => kind === 'yaml'))('$where is YAML', ({ text }) => {
    expect(parse(text)).toBeTypeOf('object');
  });

  it('has snippets of each kind', () => {
    expect(
      new Set(snippets.filter(({ where }) => !where.startsWith('docs/reference/')).map(({ kind }) => kind)),
    ).toEqual(
      new Set([
        '',
        'sh',
        'output',
        'ts',
        'json',
        'yaml',
        'yaml grant',
        'yaml rule',
        'yaml settings',
        'yaml tool',
      ]),
    );
  });

  it('shows the steps that the demonstration takes, in their order', () => {
    const shown = [...pageText('README.md').matchAll(/^ok {3}(\S+)/gm)].map(([, step]) => step);
    expect(shown).toEqual([...STEP_NAMES]);
  });

  it.each(pages())('%s links to what is there', (page) => {
    const links = [...pageText(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(
      ([, link]) => link ?? '',
    );
    expect(links.filter((link) => !existsSync(linkTarget(page, link)))).toEqual([]);
  });
});

import { existsSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { STEP_NAMES } from '../../../src/dev/demo/step.js';
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

  it.each(snippets.filter(({ kind }) => kind === 'yaml'))('$where is YAML', ({ text }) => {
    expect(parse(text)).toBeTypeOf('object');
  });

  it('has snippets of each kind', () => {
    expect(
      new Set(snippets.filter(({ where }) => !where.startsWith('docs/reference/')).map(({ kind }) => kind)),
    ).toEqual(new Set(['', 'sh', 'output', 'ts', 'yaml', 'yaml grant', 'yaml settings']));
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

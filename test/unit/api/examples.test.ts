import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { grantCreateBody } from '../../../src/api/admin/grant-requests.js';
import { grantSpecBodyOf, grantSpecOf } from '../../../src/api/schema/grant-body.js';
import { credentialBody, credentialSpecOf } from '../../../src/api/view/credential-view.js';
import { credentialSpecSchema } from '../../../src/credential/credential.js';
import { compileConditions } from '../../../src/grant/conditions.js';
import { grantSpecSchema } from '../../../src/grant/grant-spec.js';

const CONFIG = join(import.meta.dirname, '../../../config');

function examples(folder: string): [string, unknown][] {
  return readdirSync(join(CONFIG, folder)).map((name) => [
    `${folder}/${name}`,
    parse(readFileSync(join(CONFIG, folder, name), 'utf8')),
  ]);
}

describe('examples in config/', () => {
  it.each(examples('credentials'))('%s is a credential', (_, content) => {
    expect(credentialSpecSchema.parse(credentialSpecOf(credentialBody.parse(content)))).toBeTypeOf('object');
  });

  it.each(examples('grants'))('%s is a grant that compiles, and comes back as it was sent', (_, content) => {
    const { state: _state, ...body } = grantCreateBody.parse(content);
    const spec = grantSpecSchema.parse(grantSpecOf(body));
    expect(() => compileConditions(spec.workload)).not.toThrow();
    expect(grantSpecBodyOf(spec)).toEqual({ labels: {}, ...body });
  });

  it('name only credentials and issuers that are there', () => {
    const names = examples('credentials').map(([, content]) => (content as { name: string }).name);
    for (const [where, content] of examples('grants')) {
      const { credentials } = content as { credentials: { name: string }[] };
      expect(
        credentials.filter(({ name }) => !names.includes(name)),
        where,
      ).toEqual([]);
    }
  });
});

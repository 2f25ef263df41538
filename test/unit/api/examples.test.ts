import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { grantCreateBody } from '../../../src/api/admin/grant-requests.js';
import { grantSpecBodyOf, grantSpecOf } from '../../../src/api/schema/grant-body.js';
import { credentialBody, credentialSpecOf } from '../../../src/api/view/credential-view.js';
import { credentialSpecSchema } from '../../../src/credential/credential.js';
import { CompiledTool } from '../../../src/gateway/tool/compiled-tool.js';
import { toolSpecSchema } from '../../../src/gateway/tool/tool-spec.js';
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
    expect(grantSpecBodyOf(spec)).toEqual({ labels: {}, credentials: [], ...body });
  });

  it.each(examples('tools'))('%s is a tool that compiles', (_, content) => {
    const now = new Date(0);
    const spec = toolSpecSchema.parse(content);
    const tool = {
      name: spec.name,
      version: 1,
      spec,
      enabled: true,
      credentialOff: false,
      createdAt: now,
      createdBy: '',
      updatedAt: now,
    };
    expect(CompiledTool.of(tool, { strict: true }).tool.name).toBe(spec.name);
  });

  it('name only credentials and tools that are there', () => {
    const names = examples('credentials').map(([, content]) => (content as { name: string }).name);
    const tools = examples('tools').map(([, content]) => (content as { name: string }).name);
    for (const [where, content] of examples('grants')) {
      const grant = content as { credentials?: { name: string }[]; tools?: { name: string }[] };
      expect(
        (grant.credentials ?? []).filter(({ name }) => !names.includes(name)),
        where,
      ).toEqual([]);
      expect(
        (grant.tools ?? []).filter(({ name }) => !tools.includes(name)),
        where,
      ).toEqual([]);
    }
  });

  it('use in tools only credentials that the gateway may hold', () => {
    const held = examples('credentials')
      .map(([, content]) => content as { name: string; deliveries?: string[] })
      .filter(({ deliveries }) => deliveries?.includes('gateway') === true);
    const used = examples('tools').map(
      ([, content]) => (content as { credential: { name: string } }).credential.name,
    );
    expect(used.filter((name) => !held.some((each) => each.name === name))).toEqual([]);
  });
});

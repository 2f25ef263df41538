import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../src/dev/free-port.js';
import { issuerParts } from '../../support/parts.js';
import { startWorld, type World } from '../../support/world.js';
import { followPages } from './shell-page.js';

let world: World;
let home: string;

beforeAll(async () => {
  world = await startWorld({ mode: 'process' });
  home = await mkdtemp(join(tmpdir(), 'leasegate-gateway-pages-'));
}, 240_000);

afterAll(async () => {
  await world.stop();
  await rm(home, { recursive: true });
});

it('does and prints what the pages about the ways in say', { timeout: 240_000 }, async () => {
  const environment = {
    HOME: home,
    TMPDIR: home,
    BROKER: world.baseUrl,
    ISSUER: issuerParts().url,
    PROVIDER_PORT: String(await freePort()),
  };
  const pages = ['first-call', 'provider-sdks', 'mcp'].map((page) => `docs/gateway/${page}.md`);
  expect(await followPages(pages, environment)).toBeGreaterThan(14);
});

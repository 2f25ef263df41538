import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { issuerParts } from '../../support/parts.js';
import { startWorld, type World } from '../../support/world.js';
import { followPages } from './shell-page.js';

let world: World;
let home: string;

beforeAll(async () => {
  world = await startWorld({ mode: 'process' });
  home = await mkdtemp(join(tmpdir(), 'leasegate-tutorial-'));
}, 240_000);

afterAll(async () => {
  await world.stop();
  await rm(home, { recursive: true });
});

it('does and prints what the tutorial says', { timeout: 240_000 }, async () => {
  const environment = { HOME: home, BROKER: world.baseUrl, ISSUER: issuerParts().url };
  expect(await followPages(['docs/tutorial.md'], environment)).toBeGreaterThan(8);
});

import 'reflect-metadata';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Clock, SystemClock } from '../../../src/kernel/clock.js';
import { Ids, RandomIds } from '../../../src/kernel/ids.js';
import { Log } from '../../../src/kernel/log.js';
import { CredentialSource } from '../../../src/lease/credential-source.js';
import { Settings } from '../../../src/settings/schema.js';
import { settingsFrom } from '../../../src/settings/load.js';
import { VaultHealth } from '../../../src/vault/vault-health.js';
import { VaultModule } from '../../../src/vault/vault.module.js';
import { VaultRights } from '../../../src/vault/vault-rights.js';
import { VaultTimings } from '../../../src/vault/vault-timings.js';
import { vaultParts } from '../../support/parts.js';
import { RecordedTimings } from './recorded-timings.js';
import { RecordingLog } from './recording-log.js';
import { METADATA, startVaultWorld, type VaultWorld } from './vault-world.js';

let world: VaultWorld;

beforeAll(async () => {
  world = await startVaultWorld();
});
afterAll(() => world.stop());

/** What the application gives to every module. */
function globals(address: string, timings: RecordedTimings, log: RecordingLog): new () => object {
  const settings = settingsFrom({
    database: { url: 'postgresql://unused' },
    vault: { address, login: { ...world.login, secretId: world.login.secretId?.expose() }, ...world.names },
    issuers: [{ name: 'unused', url: 'https://unused.example', audience: 'unused' }],
    audit: { hmacKey: 'unused' },
  });
  const clock = new SystemClock();
  const provided = [
    { provide: Settings, useValue: settings },
    { provide: Clock, useValue: clock },
    { provide: Ids, useValue: new RandomIds(clock) },
    { provide: Log, useValue: log },
    { provide: VaultTimings, useValue: timings },
  ];
  @Global()
  @Module({ providers: provided, exports: provided.map(({ provide }) => provide) })
  class Globals {}
  return Globals;
}

it('starts without its Vault, and says so', async () => {
  const log = new RecordingLog();
  const imports = [globals('http://127.0.0.1:1', new RecordedTimings(), log), VaultModule];
  const app = await Test.createTestingModule({ imports }).compile();
  await app.init();
  expect(await app.get(VaultHealth).check()).toMatchObject({ ok: false, state: 'unreachable' });
  expect(log.lines.join('')).toContain('the Vault login failed');
  await app.close();
});

it('gives a source that works, with timings, and hands its token back at the end', async () => {
  const timings = new RecordedTimings();
  const imports = [globals(vaultParts().address, timings, new RecordingLog()), VaultModule];
  const app = await Test.createTestingModule({ imports }).compile();
  await app.init();
  const source = app.get(CredentialSource);
  const lease = await source.createLeaseToken({ credential: 'kv', ttlSeconds: 60, metadata: METADATA });
  const read = await source.read(lease.token, world.request('kv'));
  expect(read.data.expose()).toHaveProperty('api_key');
  expect(await app.get(VaultHealth).check()).toMatchObject({ ok: true, state: 'ready' });
  const checks = await app.get(VaultRights).check([]);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  await app.close();
  expect(timings.count('revoke_self', 'ok')).toBe(1);
});

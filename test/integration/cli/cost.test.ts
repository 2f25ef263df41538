import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startWorld, type World } from '../../support/world.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { start, type Ended } from './program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

let world: World;
let cli: CompiledCli;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-cost-'));

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld();
  await world.query(
    `INSERT INTO call_sums (day, run_ref, run_id, step_id, grant_id, issuer, subject, tool, outcome, calls, request_bytes,
       response_bytes, cost_micros, units)
     SELECT '2026-01-15', '00000000-0000-7000-8000-000000000001', 'run-1', 'step-1', id, 'https://issuer.example', 'worker', tool,
       'success', 2, 20, 200, micros, units FROM grants,
       (VALUES ('chat', 1500000, '{"input": 20}'::jsonb), ('search', 250, '{}')) AS t (tool, micros, units)`,
  );
}, 240_000);
afterAll(async () => {
  cli.remove();
  rmSync(folder, { recursive: true });
  await world.stop();
});

async function run(words: readonly string[], stdin?: string): Promise<Ended> {
  const environment = {
    LEASEGATE_URL: world.baseUrl,
    LEASEGATE_TOKEN: await world.adminToken(['operator']),
    XDG_CONFIG_HOME: folder,
  };
  return start(cli, words, environment, stdin).ended();
}

const DAYS = ['--from', '2026-01-01', '--to', '2026-02-01'];

describe('leasegate cost', () => {
  it('refuses what it cannot sum by, and says what the broker refused', async () => {
    expect(await run(['cost', '--by', 'colour'])).toMatchObject({ exitCode: 2 });
    const { exitCode, stderr } = await run(['cost', '--from', '2026-02-01', '--to', '2026-01-01']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('is not after from');
  });

  it('sums by tool unless told', async () => {
    const { stdout } = await run(['cost', ...DAYS]);
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      'TOOL\tCALLS\tCOST\tUNITS',
      'chat\t2\t1.50\tinput=20',
      'search\t2\t0.00025\t-',
    ]);
  });

  it('prints JSON, and CSV for a spreadsheet', async () => {
    const json = await run(['cost', 'list', '--by', 'step', ...DAYS, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ items: [{ step_id: 'step-1', calls: 4 }] });
    const csv = await run(['cost', '--by', 'day', ...DAYS, '--csv']);
    expect(csv.stdout.split('\r\n').slice(0, 2)).toEqual([
      'day,calls,unknown_calls,cost_micros,request_bytes,response_bytes,units',
      '2026-01-15,4,0,1500250,40,400,"{""input"":20}"',
    ]);
  });

  it('takes in usage and tells by its exit code that sums differ', async () => {
    const file = join(folder, 'usage.csv');
    writeFileSync(file, 'day,key,amount_micros\n2026-01-15,proj,100000\n');
    const imported = await run(['cost', 'import', file, '--source', 'openai', '--json']);
    expect(JSON.parse(imported.stdout)).toEqual({ rows: 1, changed: 1, differences: 1 });
    const row = '{"day":"2026-01-16","key":"proj","amount_micros":0,"source":"openai"}';
    expect(await run(['cost', 'import', '-'], row)).toMatchObject({ exitCode: 0 });
    const compared = await run(['cost', 'reconcile', ...DAYS]);
    expect(compared.exitCode).toBe(1);
    expect(compared.stdout.split('\n').slice(0, 3)).toEqual([
      'DAY\tKEY\tSOURCE\tOURS\tTHEIRS\tDIFFERENCE\tSTATE',
      '2026-01-15\tproj\topenai\t0.00\t0.10\t0.10\tdifference',
      '2026-01-16\tproj\topenai\t0.00\t0.00\t0.00\tmatch',
    ]);
    expect((await run(['cost', 'reconcile', '--from', '2026-01-16', '--to', '2026-01-17'])).exitCode).toBe(0);
  });
});

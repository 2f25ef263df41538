import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly advice?: string;
}

interface ServerSide {
  serve(argv: readonly string[]): Promise<void>;
  migrate(): Promise<readonly string[]>;
  doctor(): Promise<{ readonly ok: boolean; readonly checks: readonly Check[] }>;
  vaultPlan(options: {
    credentials?: string | undefined;
    apply: boolean;
  }): Promise<readonly Readonly<Record<string, unknown>>[]>;
  settingsReference(format: 'json' | 'markdown'): Promise<string>;
}

/** `serve`: until it is told to stop. */
export async function serve(invocation: Invocation): Promise<void> {
  await (await load(invocation)).serve([]);
}

/** `migrate` */
export async function migrate(invocation: Invocation): Promise<void> {
  const applied = await (await load(invocation)).migrate();
  await invocation.output.show({ applied }, () =>
    applied.length === 0 ? 'nothing to do' : applied.join('\n'),
  );
}

/** `settings` */
export async function settings(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  output.line(await (await load(invocation)).settingsReference(output.json ? 'json' : 'markdown'));
}

/** `doctor`: exits with 3 when a dependency is missing or wrong. */
export async function doctor(invocation: Invocation): Promise<number> {
  const { output } = invocation;
  const report = await (await load(invocation)).doctor();
  await output.show(report, () =>
    output.table(report.checks, [
      ['CHECK', (check) => check.name],
      ['OK', (check) => (check.ok ? 'yes' : 'NO')],
      ['DETAIL', (check) => check.detail],
      ['WHAT TO DO', (check) => check.advice],
    ]),
  );
  return report.ok ? EXIT.done : EXIT.dependency;
}

/** `vault plan` */
export async function vaultPlan(invocation: Invocation): Promise<void> {
  await vault(invocation, false);
}

/** `vault apply` */
export async function vaultApply(invocation: Invocation): Promise<void> {
  await vault(invocation, true);
}

async function vault(invocation: Invocation, apply: boolean): Promise<void> {
  const changes = await (
    await load(invocation)
  ).vaultPlan({ credentials: invocation.text('credentials'), apply });
  await invocation.output.show({ applied: apply, changes }, () => invocation.output.whole(changes));
}

async function load(invocation: Invocation): Promise<ServerSide> {
  const config = invocation.text('config');
  if (config !== undefined) process.env['LEASEGATE_CONFIG'] = config;
  const where = '../../main.js';
  return (await import(where)) as ServerSide;
}

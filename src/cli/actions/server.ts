import { EXIT } from '../exit-code.js';
import type { Invocation } from '../invocation.js';

/** `serve`: until it is told to stop. */
export async function serve(invocation: Invocation): Promise<void> {
  const { serve: run } = await program(invocation);
  await run({ migrate: invocation.flag('migrate') });
}

/** `migrate` */
export async function migrate(invocation: Invocation): Promise<void> {
  const applied = await (await program(invocation)).migrate({ roles: invocation.flag('roles') });
  await invocation.output.show({ applied }, () =>
    applied.length === 0 ? 'nothing to do' : applied.join('\n'),
  );
}

/** `settings` */
export async function settings(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  output.line(await (await program(invocation)).settingsReference(output.json ? 'json' : 'markdown'));
}

/** `doctor`: exits with 3 when a dependency does not answer, with 1 when something else is wrong. */
export async function doctor(invocation: Invocation): Promise<number> {
  const { output } = invocation;
  const report = await (await program(invocation)).doctor();
  await output.show(report, () =>
    output.table(report.checks, [
      ['CHECK', (check) => check.name],
      ['OK', (check) => (check.ok ? 'yes' : 'NO')],
      ['DETAIL', (check) => check.detail],
      ['WHAT TO DO', (check) => check.advice],
    ]),
  );
  if (report.ok) return EXIT.done;
  const missing = report.checks.some(({ name, ok }) => !ok && /^(database|vault)\b|\bissuer\b/i.test(name));
  return missing ? EXIT.dependency : EXIT.failed;
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
  const credentials = invocation.text('credentials');
  const changes = await (await program(invocation)).vaultPlan({ credentials, apply });
  await invocation.output.show({ applied: apply, changes }, () => invocation.output.whole(changes));
}

/** The program itself, which no other command loads. */
async function program(invocation: Invocation) {
  const config = invocation.text('config');
  if (config !== undefined) process.env['LEASEGATE_CONFIG'] = config;
  return import('../../main.js');
}

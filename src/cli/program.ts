import { Command } from 'commander';
import { addGlobalOptions, CommandSet } from './command-set.js';
import { defineAlertCommands } from './commands/alert.js';
import { defineAuditCommands } from './commands/audit.js';
import { defineCostCommands } from './commands/cost.js';
import { defineCredentialCommands } from './commands/credential.js';
import { defineExecCommand } from './commands/exec.js';
import { defineGrantCommands } from './commands/grant.js';
import { defineBlockCommands, defineKillCommand } from './commands/kill.js';
import { defineLoginCommands } from './commands/login.js';
import { defineOperationCommands } from './commands/operation.js';
import { defineReconciliationCommands } from './commands/reconciliation.js';
import { defineServerCommands } from './commands/server.js';
import { defineToolCommands } from './commands/tool.js';
import { defineShadowCommands } from './commands/shadow.js';
import { defineSinkCommands } from './commands/sink.js';
import { defineWorkerCommands } from './commands/worker.js';
import { defineMcpCommand } from './commands/mcp.js';
import type { Surrounding } from './invocation.js';

/** The program with all its commands, and the set that knows the exit code after one ran. */
export function buildProgram(
  surrounding: Surrounding,
  version: string,
): { program: Command; set: CommandSet } {
  const set = new CommandSet(surrounding);
  const program = new Command('leasegate')
    .description(
      'A credential broker in front of Vault: short-lived credentials bound to a run, gone when it ends.',
    )
    .version(version, '--version', 'print the version')
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => surrounding.stdout.write(text),
      writeErr: (text) => surrounding.stderr.write(text),
      // The one place that prints failures also prints those of the command line's form.
      outputError: () => {},
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 refused or failed; 2 usage; 3 a dependency is missing.\nExample:\n  $ leasegate exec --credential orders-readonly -- ./report.sh',
    );
  program.commandsGroup('Workers:');
  defineWorkerCommands(set, program);
  defineExecCommand(set, program);
  defineMcpCommand(set, program);
  program.commandsGroup('Admins:');
  defineLoginCommands(set, program);
  defineGrantCommands(set, program);
  defineCredentialCommands(set, program);
  defineToolCommands(set, program);
  defineOperationCommands(set, program);
  defineKillCommand(set, program);
  defineBlockCommands(set, program);
  defineReconciliationCommands(set, program);
  defineAlertCommands(set, program);
  defineCostCommands(set, program);
  defineShadowCommands(set, program);
  program.commandsGroup('Auditors:');
  defineAuditCommands(set, program);
  defineSinkCommands(set, program);
  program.commandsGroup('Operators:');
  defineServerCommands(set, program);
  addGlobalOptions(program);
  return { program, set };
}

import { Option, type Command } from 'commander';
import { gather, parseCount, type CommandSet } from '../command-set.js';
import { defineAuditQuestions } from './audit-questions.js';
import { withPages } from './list-options.js';
import { defineRetentionCommands } from './retention.js';

/** `audit …`: what happened, and the proof of it. */
export function defineAuditCommands(set: CommandSet, program: Command): void {
  const audit = set.group(program, 'audit', 'the record of everything that happened');
  withPages(
    withFilters(
      set
        .leaf(
          audit,
          'list',
          { summary: 'list records', example: 'leasegate audit list --kind lease.issued --run nightly-42' },
          async () => (await import('../actions/audit.js')).list,
        )
        .alias('events'),
    ),
  );
  defineAuditQuestions(set, audit, withFilters);
  withFilters(
    set.leaf(
      audit,
      'tail',
      {
        summary: 'print records as they come, until stopped',
        example: 'leasegate audit tail --outcome refused',
      },
      async () => (await import('../actions/audit.js')).tail,
    ),
  );
  withFilters(
    set.leaf(
      audit,
      'export',
      {
        summary: 'export records for somebody who does not trust us; the export is itself recorded',
        example: 'leasegate audit export --format jsonl --output audit.jsonl',
      },
      async () => (await import('../actions/audit-export.js')).exportRecords,
    ),
  )
    .addOption(
      new Option(
        '--format <format>',
        'jsonl can be verified; the others are for spreadsheets, analysis and SIEMs',
      )
        .choices(['jsonl', 'csv', 'parquet', 'ocsf', 'cef'])
        .default('jsonl'),
    )
    .addOption(new Option('--compress <how>', 'compress the file').choices(['gzip', 'zstd']))
    .option('--output <file>', 'write to a new file that only you can read; standard output otherwise')
    .option(
      '--resume',
      'keep what came of a download that is cut (in FILE.part), and go on from there when called again; jsonl alone, and then without --manifest',
    )
    .option('--manifest', 'write what the export was, proved by the log, to FILE.manifest.json');
  set
    .leaf(
      audit,
      'bundle',
      {
        summary: 'write the signed log to a tar file that public tools for transparency logs read',
        example: 'leasegate audit bundle --output log.tar',
      },
      async () => (await import('../actions/audit-export.js')).bundle,
    )
    .requiredOption('--output <file>', 'write to a new file that only you can read')
    .option('--from-index <index>', 'entries from this place on; all tiles of hashes are in it all the same')
    .option('--to-index <index>', 'entries up to this place, excluded');
  set.leaf(
    audit,
    'head',
    {
      summary: 'print the end of the log; keep it elsewhere to prove later that nothing was changed',
      example: 'leasegate audit head --json',
    },
    async () => (await import('../actions/audit.js')).head,
  );
  set.leaf(
    audit,
    'keys',
    {
      summary: 'print the keys that signed the log; keep them elsewhere than its exports',
      example: 'leasegate audit keys > log.keys',
    },
    async () => (await import('../actions/log.js')).keys,
  );
  set.leaf(
    audit,
    'checkpoint',
    {
      summary: 'print the newest signed checkpoint',
      example: 'leasegate audit checkpoint > checkpoint',
    },
    async () => (await import('../actions/log.js')).checkpoint,
  );
  set
    .leaf(
      audit,
      'new-origin',
      {
        summary:
          'let the log go on as a new one, with a signed link to the former, after a restore or damage',
        example: 'leasegate audit new-origin --reason "database restored from the backup of Monday"',
      },
      async () => (await import('../actions/log.js')).newOrigin,
    )
    .requiredOption('--reason <text>', 'what happened; kept in the record');
  set
    .leaf(
      audit,
      'verify <path>',
      {
        summary:
          'verify an export, a bundle, archives or scheduled exports offline: every leaf, the tree over them and its signature; - reads an export from standard input',
        example:
          'leasegate audit verify audit.jsonl --head 1042:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      },
      async () => (await import('../actions/audit-verify.js')).verify,
    )
    .option(
      '--head <size:hash>',
      'a head that you kept (size and root hash of `audit head`); the export must agree with it',
    )
    .option(
      '--key <line>',
      'a key of the log; the export must end with a checkpoint of it; repeatable',
      gather,
    )
    .option('--manifest <file>', 'also that the file is the one of this manifest (`audit export --manifest`)')
    .option('--threads <count>', 'threads that check; as many as there are cores unless told', parseCount);
  defineRetentionCommands(set, audit);
}

function withFilters(command: Command): Command {
  return command
    .option('--kind <kind>', 'kind of event such as lease.issued; repeatable', gather)
    .option('--outcome <outcome>', 'success, refused or failure')
    .option('--code <code>', 'with this error code')
    .option('--from <time>', 'from this time (RFC 3339), included')
    .option('--to <time>', 'to this time, excluded')
    .option('--run <id>', "of this run, by the platform's id")
    .option('--run-ref <id>', 'of this run, by our id')
    .option('--step <id>', 'of this step')
    .option('--grant-version <version>', 'of this version of the grant')
    .option('--lease <id>', 'of this lease')
    .option('--credential <name>', 'of this credential')
    .option('--tool <name>', 'of this tool')
    .option('--workload <subject>', 'of this workload')
    .option('--actor <subject>', 'done by this subject')
    .option('--request <reference>', 'with this reference')
    .option('--from-index <index>', 'from this place in the log, included')
    .option('--to-index <index>', 'to this place in the log, excluded')
    .option('--account <name>', 'of this database user or certificate serial: who held it');
}

import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { checkLimit } from '../../credential/spec.js';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { reviewedTool } from './tool-review.js';
import {
  addToolVersion,
  insertTool,
  lockTool,
  selectTools,
  selectToolsNamed,
  selectToolVersions,
} from './tool-rows.js';
import type { ToolSpec, ToolSpecInput } from './tool-spec.js';
import type { Tool, ToolVersion } from './tool.js';

/** Which tools, and which page of them. */
export interface ToolFilter {
  readonly enabled?: boolean;
  /** Name of the credential that it uses. */
  readonly credential?: string;
  /** `key` or `key=value`. */
  readonly label?: string;
  /** 1 to 500. */
  readonly limit: number;
  readonly cursor?: string;
}

/**
 * The tools that grants may name. Every change is a new version that never changes, and is one transaction with its
 * event. A version says what is called; disabling makes none.
 */
@Injectable()
export class ToolCatalogue {
  constructor(
    private readonly clock: Clock,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
  ) {}

  /** Adds a tool; refuses with `request_invalid` and the field, `credential_unknown` or `name_taken`. */
  async create(caller: Caller, input: ToolSpecInput): Promise<Tool> {
    const spec = reviewedTool(input);
    return this.transactions.run(async (tx) => {
      await checkCredential(tx, spec);
      if (!(await insertTool(tx, spec, actorName(caller.actor), this.clock.now())))
        throw new BrokerError('name_taken', { field: '/name' });
      await this.audit.append(tx, 'tool.created', about(caller, spec.name, 1), {
        version: 1,
        method: spec.method,
        url: spec.url,
        ...(spec.credential && { uses_credential: spec.credential.name }),
      });
      return locked(tx, spec.name);
    });
  }

  /**
   * Saves a new version, which calls from now on use. `precondition_failed` if the tool is not at `ifVersion`; a spec
   * that says nothing new makes no version.
   */
  async change(caller: Caller, name: string, input: ToolSpecInput, ifVersion: number): Promise<Tool> {
    const spec = reviewedTool(input);
    if (spec.name !== name)
      throw new BrokerError('request_invalid', { field: '/name', detail: 'a tool keeps its name' });
    return this.transactions.run(async (tx) => {
      const before = await locked(tx, name);
      if (before.version !== ifVersion)
        throw new BrokerError('precondition_failed', { detail: `it is at version ${before.version}` });
      const changed = changedFields(before.spec, spec);
      if (changed.length === 0) return before;
      await checkCredential(tx, spec);
      const version = before.version + 1;
      await addToolVersion(tx, spec, version, actorName(caller.actor), this.clock.now());
      await this.audit.append(tx, 'tool.changed', about(caller, name, version), { version, changed });
      return locked(tx, name);
    });
  }

  /** One tool; `not_found` if there is none. */
  async get(name: string): Promise<Tool> {
    const found = await this.find(name);
    if (found === undefined) throw new BrokerError('not_found', { detail: `no tool ${name}` });
    return found;
  }

  /** One tool, if there is one. */
  async find(name: string): Promise<Tool | undefined> {
    return (await this.named([name]))[0];
  }

  /** The tools of these names; those that there are not are left out. */
  named(names: readonly string[]): Promise<readonly Tool[]> {
    return selectToolsNamed(this.transactions.reads, names);
  }

  /** Tools in order of name. */
  async list(filter: ToolFilter): Promise<Page<Tool>> {
    const limit = checkLimit(filter.limit);
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor, 1)[0];
    const [labelKey, ...labelValue] = filter.label?.split('=') ?? [];
    const rows = await selectTools(
      this.transactions.reads,
      `WHERE ($1::boolean IS NULL OR t.enabled = $1) AND ($2::text IS NULL OR v.spec->'credential'->>'name' = $2)
         AND ($3::text IS NULL OR jsonb_exists(t.labels, $3)) AND ($4::text IS NULL OR t.labels->>$3 = $4)
         AND ($5::text IS NULL OR t.name > $5) ORDER BY t.name LIMIT $6`,
      [
        filter.enabled ?? null,
        filter.credential ?? null,
        labelKey ?? null,
        labelValue.length === 0 ? null : labelValue.join('='),
        after,
        limit + 1,
      ],
    );
    return pageOf(rows, limit, (row) => [row.name]);
  }

  /** Every version of a tool, oldest first; `not_found` if there is no such tool. */
  async versions(name: string): Promise<readonly ToolVersion[]> {
    const versions = await selectToolVersions(this.transactions.reads, name);
    if (versions.length === 0) throw new BrokerError('not_found', { detail: `no tool ${name}` });
    return versions;
  }

  /** One version; `not_found` if there is none. */
  async version(name: string, version: number): Promise<ToolVersion> {
    const [found] = await selectToolVersions(this.transactions.reads, name, version);
    if (found === undefined) throw new BrokerError('not_found', { detail: `no version ${version} of it` });
    return found;
  }

  /** Stops new calls of it. Disabling what is disabled is refused with `state_transition_refused`. */
  disable(caller: Caller, name: string, reason?: string): Promise<Tool> {
    return this.switched(caller, name, false, reason);
  }

  /** Allows calls of it again. Enabling what is enabled is refused with `state_transition_refused`. */
  enable(caller: Caller, name: string, reason?: string): Promise<Tool> {
    return this.switched(caller, name, true, reason);
  }

  private switched(caller: Caller, name: string, enabled: boolean, reason?: string): Promise<Tool> {
    return this.transactions.run(async (tx) => {
      const before = await locked(tx, name);
      if (before.enabled === enabled)
        throw new BrokerError('state_transition_refused', {
          detail: `the tool is ${enabled ? 'enabled' : 'disabled'} already`,
        });
      await tx.query('UPDATE tools SET enabled = $2, updated_at = $3 WHERE name = $1', [
        name,
        enabled,
        this.clock.now(),
      ]);
      const kind = enabled ? 'tool.enabled' : 'tool.disabled';
      const context = about(caller, name, before.version);
      await this.audit.append(tx, kind, context, reason === undefined ? {} : { reason });
      return locked(tx, name);
    });
  }
}

/** The row under a lock, so that changes of one tool are one after the other and each sees the one before. */
async function locked(tx: Tx, name: string): Promise<Tool> {
  const tool = await lockTool(tx, name);
  if (tool === undefined) throw new BrokerError('not_found', { detail: `no tool ${name}` });
  return tool;
}

async function checkCredential(tx: Tx, { credential }: ToolSpec): Promise<void> {
  if (credential === undefined) return;
  const rows = await tx.query<unknown[]>('SELECT 1 FROM credentials WHERE name = $1', [credential.name]);
  if (rows.length === 0)
    throw new BrokerError('credential_unknown', {
      field: '/credential/name',
      detail: `no credential ${credential.name}`,
    });
}

/** Names of the top fields that differ. */
function changedFields(before: ToolSpec, after: ToolSpec): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof ToolSpec>;
  // Both as JSON: what is stored has no members that are undefined.
  const stored = JSON.parse(JSON.stringify(after)) as ToolSpec;
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], stored[key]));
}

function about(
  caller: Caller,
  name: string,
  version: number,
): { caller: Caller; tool: { name: string; version: number } } {
  return { caller, tool: { name, version } };
}

import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import type { Grant } from '../../grant/grant.js';
import { GatewayUse } from '../../lease/gateway-use.js';
import { LeaseDecisions } from '../../lease/lease-decisions.js';

const USES = `
  SELECT 1 FROM tools t JOIN tool_versions v ON v.tool = t.name AND v.version = t.version
  WHERE t.name = ANY($1::text[]) AND t.enabled AND v.spec->'credential'->>'name' = $2 LIMIT 1`;

/** What the gateway may hold for a grant: the credentials that its tools name, as they are now. */
@Injectable()
export class ToolUse extends GatewayUse implements OnModuleInit {
  constructor(
    private readonly decisions: LeaseDecisions,
    private readonly transactions: Transactions,
  ) {
    super();
  }

  onModuleInit(): void {
    this.decisions.whenGatewayAsks(this);
  }

  async allows(grant: Grant, credential: string): Promise<boolean> {
    const names = grant.spec.tools.map(({ name }) => name);
    if (names.length === 0) return false;
    const rows = await this.transactions.reads.query<unknown[]>(USES, [names, credential]);
    return rows.length > 0;
  }
}

import { AdminCalls } from './admin-calls.js';
import { AlertAdmin, SilenceAdmin } from './admin-alerts.js';
import { AuditAdmin } from './admin-audit.js';
import { CostAdmin } from './admin-costs.js';
import type { WhoamiView } from './api-types.js';
import { CredentialAdmin, GrantAdmin, LeaseAdmin, RunAdmin } from './admin-resources.js';
import { HoldAdmin, ReconciliationAdmin } from './admin-reconciliation.js';
import { RetentionAdmin } from './admin-retention.js';
import { EgressAdmin, ShadowAdmin } from './admin-shadow.js';
import { SinkAdmin } from './admin-sinks.js';
import { ToolAdmin } from './admin-tools.js';
import { BlockAdmin, RevocationsAdmin } from './admin-kill.js';
import { Transport, type TransportOptions } from './transport.js';
import type { TokenSource } from './token-sources.js';

/** Options of an {@link AdminClient}. */
export interface AdminClientOptions extends TransportOptions {
  /** Gives the bearer of an admin: an OIDC token of an issuer that the broker takes admins from. */
  readonly tokenSource: TokenSource;
}

/** The admin API. What each call needs of roles is in the API's document; a refusal names the role that was missing. */
export class AdminClient {
  readonly grants: GrantAdmin;
  readonly credentials: CredentialAdmin;
  readonly tools: ToolAdmin;
  readonly runs: RunAdmin;
  readonly leases: LeaseAdmin;
  readonly revocations: RevocationsAdmin;
  readonly blocks: BlockAdmin;
  readonly hold: HoldAdmin;
  readonly reconciliations: ReconciliationAdmin;
  readonly audit: AuditAdmin;
  readonly retention: RetentionAdmin;
  readonly costs: CostAdmin;
  readonly alerts: AlertAdmin;
  readonly silences: SilenceAdmin;
  readonly sinks: SinkAdmin;
  readonly shadow: ShadowAdmin;
  readonly egress: EgressAdmin;
  readonly #calls: AdminCalls;

  constructor(options: AdminClientOptions) {
    this.#calls = new AdminCalls(new Transport(options), options.tokenSource);
    this.grants = new GrantAdmin(this.#calls);
    this.credentials = new CredentialAdmin(this.#calls);
    this.tools = new ToolAdmin(this.#calls);
    this.runs = new RunAdmin(this.#calls);
    this.leases = new LeaseAdmin(this.#calls);
    this.revocations = new RevocationsAdmin(this.#calls);
    this.blocks = new BlockAdmin(this.#calls);
    this.hold = new HoldAdmin(this.#calls);
    this.reconciliations = new ReconciliationAdmin(this.#calls);
    this.audit = new AuditAdmin(this.#calls);
    this.retention = new RetentionAdmin(this.#calls);
    this.costs = new CostAdmin(this.#calls);
    this.alerts = new AlertAdmin(this.#calls);
    this.silences = new SilenceAdmin(this.#calls);
    this.sinks = new SinkAdmin(this.#calls);
    this.shadow = new ShadowAdmin(this.#calls);
    this.egress = new EgressAdmin(this.#calls);
  }

  /** Who the broker takes the bearer for, and with which roles. */
  whoami(): Promise<WhoamiView> {
    return this.#calls.get('/v1/whoami');
  }
}

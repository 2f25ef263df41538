/** Written to the API's contract until `tools/generate-api-types.mjs` makes it from the OpenAPI document. */

export interface LeaseView {
  id: string;
  run_id: string;
  run_ref: string;
  step_id: string;
  grant: string;
  grant_id: string;
  grant_version: number;
  credential: string;
  kind: 'database' | 'kv' | 'pki';
  delivery: 'inline' | 'wrapped';
  revocable: boolean;
  state: 'issuing' | 'active' | 'revoking' | 'revoked' | 'expired' | 'orphaned';
  requested_at: string;
  issued_at: string | null;
  expires_at: string | null;
  max_expires_at: string;
  renewals: number;
  revoke_cause: string | null;
  ended_at: string | null;
  proof: string | null;
  attempts: number;
  last_error: string | null;
  next_attempt_at: string | null;
  workload: { issuer: string; subject: string };
}

export interface RunView {
  id: string;
  run_id: string;
  grant_id: string;
  grant: string;
  grant_version: number;
  workload: { issuer: string; subject: string };
  claims: Record<string, unknown>;
  state: 'open' | 'closed' | 'revoked' | 'expired';
  opened_at: string;
  deadline: string;
  ended_at: string | null;
  end_cause: string | null;
}

export interface GrantView {
  id: string;
  name: string;
  state: 'draft' | 'pending_approval' | 'active' | 'suspended' | 'revoked' | 'expired';
  version: number;
  spec: Record<string, unknown>;
  expires_at: string | null;
  created_at: string;
  created_by: string;
  updated_at: string;
  warnings: string[];
}

export interface CredentialView {
  name: string;
  version: number;
  kind: 'database' | 'kv' | 'pki';
  mount: string;
  path: string;
  parameters: Record<string, string | number | boolean>;
  deliveries: ('inline' | 'wrapped')[];
  default_ttl_seconds: number;
  max_ttl_seconds: number;
  revocable: boolean;
  enabled: boolean;
  description: string;
  labels: Record<string, string>;
  created_at: string;
  created_by: string;
  updated_at: string;
}

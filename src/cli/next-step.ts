/** What a person can do about a refusal, by code; said after the code and the reference. */
const NEXT_STEPS: Readonly<Record<string, string>> = {
  broker_unreachable:
    'Check --url or LEASEGATE_URL, and that the broker runs: GET /readyz says what it lacks.',
  broker_timeout: 'Try again; GET /readyz of the broker says which of its dependencies is slow.',
  broker_answer_unexpected: 'Check that --url or LEASEGATE_URL is the address of the broker itself.',
  identity_missing:
    "Set LEASEGATE_OIDC_TOKEN_FILE or LEASEGATE_OIDC_TOKEN to the platform's token, or LEASEGATE_RUN_TOKEN to a run token.",
  authentication_required: 'Log in with `leasegate login`, or set LEASEGATE_TOKEN.',
  token_expired: 'Get a fresh token: `leasegate login` as an admin, a new platform token as a worker.',
  token_too_old: 'Get a fresh token from the platform and try again.',
  token_replayed: 'Get a fresh token from the platform: this issuer allows one use of each.',
  issuer_unknown: "An operator has to add the token's issuer to the settings.",
  role_required: 'Ask whoever manages roles for the one that is named; `leasegate whoami` shows yours.',
  run_identity_missing:
    'Name the run and step with --run-id and --step-id (LEASEGATE_RUN_ID, LEASEGATE_STEP_ID).',
  run_identity_refused: 'Leave out --run-id and --step-id, or give the ones that the token proves.',
  grant_not_found:
    'An admin can see what does not match with `leasegate grant explain --workload-token-file FILE`.',
  grant_ambiguous: 'Name the grant with --grant (LEASEGATE_GRANT).',
  grant_not_active: 'An admin can look with `leasegate grant get NAME`.',
  workload_blocked: 'An admin can see the block with `leasegate blocks list`, and lift it.',
  target_blocked: 'An admin can see the block with `leasegate blocks list`, and lift it.',
  confirmation_required: 'Answer on a terminal, or give --yes together with --reason TEXT.',
  run_closed: 'Start a new run with another run id.',
  run_token_expired: 'Exchange again with `leasegate token exchange`.',
  credential_not_granted: 'An admin has to add the credential to the grant.',
  credential_disabled: 'An admin can enable it with `leasegate credential enable NAME`.',
  delivery_refused: 'Ask for another --delivery.',
  ttl_refused: 'Ask for a shorter --ttl, or none for the default.',
  precondition_failed: 'Read it again, and repeat the change on the version that is current now.',
  vault_unavailable: 'The broker does not reach Vault; `leasegate doctor` on its machine says more.',
  vault_sealed: 'Somebody has to unseal Vault.',
  vault_denied: 'An operator can see which policy lacks what with `leasegate vault plan`.',
  vault_mount_missing: 'An operator mounts the engine again, or corrects the mount of the credential.',
  vault_role_missing: 'An operator makes the role or secret in Vault again; `leasegate doctor` says more.',
  database_unavailable:
    'The broker does not reach its database; `leasegate doctor` on its machine says more.',
  issuer_unavailable: 'The broker does not reach the issuer; `leasegate doctor` on its machine says more.',
  settings_invalid: '`leasegate settings` prints every setting.',
  internal_error: 'Give the reference to whoever operates the broker.',
};

/** Which dependency a code says is missing; a failure with one of these exits with 3. */
const DEPENDENCIES: Readonly<Record<string, string>> = {
  broker_unreachable: 'broker',
  broker_timeout: 'broker',
  overloaded: 'broker',
  share_exceeded: 'broker',
  shutting_down: 'broker',
  vault_unavailable: 'Vault',
  vault_sealed: 'Vault',
  database_unavailable: 'database',
  issuer_unavailable: 'issuer',
};

export function nextStepOf(code: string): string | undefined {
  return NEXT_STEPS[code];
}

export function dependencyOf(code: string): string | undefined {
  return DEPENDENCIES[code];
}

/**
 * Every refusal and failure that a caller can see: stable code, HTTP status, public description.
 * The catalogue in `docs/reference/errors.md` is generated from this table.
 */
export const ERROR_CODES = {
  // Requests
  request_malformed: { status: 400, title: 'The request is not well formed.' },
  request_invalid: { status: 422, title: 'A field of the request is not valid.' },
  request_too_large: { status: 413, title: 'The request body is larger than this endpoint takes.' },
  media_type_unsupported: { status: 415, title: 'The content type is not one that this endpoint takes.' },
  not_found: { status: 404, title: 'There is no such thing, or it is not yours to see.' },
  method_not_allowed: { status: 405, title: 'The method is not one that this endpoint takes.' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used with another request.' },
  idempotency_in_progress: {
    status: 409,
    title: 'A request with this idempotency key is still being worked on.',
  },
  precondition_required: {
    status: 428,
    title: 'The change needs an If-Match header with the version that you read.',
  },
  precondition_failed: { status: 412, title: 'The thing changed since you read it.' },
  range_not_satisfiable: { status: 416, title: 'The range begins behind the end of what there is.' },
  entries_archived: {
    status: 410,
    title: 'Entries of that range were archived, and are not in the database.',
  },
  conflict: { status: 409, title: 'The state of the thing does not allow this.' },
  name_taken: { status: 409, title: 'The name is taken.' },
  state_transition_refused: {
    status: 409,
    title: 'The thing cannot go from its state to the one asked for.',
  },
  share_exceeded: {
    status: 429,
    title: 'Others wait too, and more than your share of the queue is yours already; try again.',
  },
  rate_limited: { status: 429, title: 'Too many requests; try again later.' },

  // Identity
  authentication_required: { status: 401, title: 'A bearer token is required.' },
  token_malformed: { status: 401, title: 'The token is not a well-formed signed JWT.' },
  token_oversize: { status: 401, title: 'The token is larger than any issuer here would make.' },
  token_algorithm_refused: {
    status: 401,
    title: 'The token is signed with an algorithm that this issuer is not configured for.',
  },
  token_header_refused: { status: 401, title: 'The token header asks for something that is not understood.' },
  token_claims_ambiguous: { status: 401, title: 'The token names a claim twice.' },
  token_claim_type: {
    status: 401,
    title: 'A claim of the token is not of the type that its standard asks for.',
  },
  issuer_unknown: { status: 401, title: 'The token comes from an issuer that is not configured.' },
  issuer_unavailable: { status: 503, title: 'The keys of the issuer cannot be had right now.' },
  issuer_keys_refused: { status: 401, title: 'The key that the token names is not one that may be used.' },
  issuer_quota_exceeded: { status: 429, title: 'The issuer has used up its quota of requests.' },
  token_key_unknown: {
    status: 401,
    title: 'The token is signed with a key that the issuer does not publish.',
  },
  token_signature_invalid: { status: 401, title: 'The signature of the token does not verify.' },
  token_audience_refused: { status: 401, title: 'The token was made for another audience.' },
  token_expired: { status: 401, title: 'The token has expired.' },
  token_not_yet_valid: { status: 401, title: 'The token is not valid yet.' },
  token_too_old: { status: 401, title: 'The token was issued too long ago.' },
  token_lifetime_refused: { status: 401, title: 'The token lives longer than this issuer is allowed.' },
  token_replayed: { status: 401, title: 'The token was used before, and its issuer allows one use.' },
  proof_required: { status: 401, title: 'A DPoP proof is required.' },
  proof_invalid: { status: 401, title: 'The DPoP proof does not verify.' },
  run_token_invalid: { status: 401, title: 'The run token does not verify.' },
  run_token_expired: { status: 401, title: 'The run token has expired; exchange again.' },
  origin_refused: {
    status: 403,
    title: 'The request comes from a page or under a name that is not allowed here.',
  },
  role_required: { status: 403, title: 'The route needs a role that you do not have.' },

  // Exchange
  run_identity_missing: { status: 400, title: 'The request does not say which run and step it belongs to.' },
  run_identity_refused: { status: 403, title: 'The run or step named is not the one that the token proves.' },
  unsupported_grant_type: { status: 400, title: 'Only token exchange is supported here.' },
  subject_token_type_refused: { status: 400, title: 'The type of the subject token is not supported.' },
  target_refused: { status: 400, title: 'The resource or audience asked for is not served here.' },
  scope_refused: { status: 400, title: 'The scope asked for is more than the grant allows.' },
  grant_not_found: { status: 403, title: 'No active grant matches this workload.' },
  grant_ambiguous: {
    status: 403,
    title: 'More than one grant matches this workload; name the one you mean.',
  },
  grant_not_active: { status: 403, title: 'The grant is not active.' },
  grant_conditions_invalid: { status: 422, title: 'The conditions of the grant do not compile.' },
  approval_by_author: {
    status: 403,
    title: 'A version of a grant is approved by somebody other than its author.',
  },
  grant_limit_reached: { status: 429, title: 'The grant allows no more of this at the same time.' },

  // The kill switch
  workload_blocked: { status: 403, title: 'The workload, or all of its issuer, is blocked for now.' },
  target_blocked: { status: 409, title: 'The target of the credential is blocked for now.' },
  confirmation_required: {
    status: 409,
    title: 'More leases would end than may without a confirmation and a reason.',
  },

  // Runs and leases
  run_closed: { status: 403, title: 'The run has ended; nothing more can be leased or called under it.' },
  run_limit_reached: { status: 429, title: 'The grant allows no more open runs.' },
  credential_unknown: { status: 422, title: 'There is no such credential in the catalogue.' },
  credential_not_granted: { status: 403, title: 'The grant does not allow this credential.' },
  credential_disabled: { status: 403, title: 'The credential is disabled.' },
  delivery_refused: { status: 403, title: 'The credential may not be delivered in this way.' },
  ttl_refused: { status: 422, title: 'The time to live asked for is not allowed.' },
  lease_not_active: { status: 409, title: 'The lease is not active.' },
  lease_not_renewable: { status: 409, title: 'The lease has reached the longest that it may live.' },
  lease_in_progress: { status: 409, title: 'The lease is still being issued.' },
  credential_unavailable: { status: 502, title: 'The credential could not be made; nothing was leased.' },

  // Tools
  tool_unknown: { status: 422, title: 'There is no such tool.' },
  tool_not_granted: { status: 403, title: 'The grant does not allow this tool.' },
  tool_disabled: { status: 403, title: 'The tool is disabled.' },
  parameter_unknown: { status: 422, title: 'The tool does not declare a parameter of this name.' },
  parameter_refused: { status: 422, title: 'A parameter is not one that may be sent.' },
  tool_response_refused: { status: 502, title: 'The answer is not what the tool says the provider answers.' },

  // Calls
  response_too_large: { status: 502, title: 'The answer is larger than the tool allows.' },
  call_cancelled: { status: 499, title: 'The caller gave up before the call had ended.' },

  // Limits of calls
  concurrency_limited: { status: 429, title: 'As many calls are open as may be at the same time.' },
  bytes_limited: { status: 429, title: 'As many bytes passed as may in this time.' },
  budget_exhausted: { status: 402, title: 'The budget does not cover another call.' },
  grant_changed: { status: 409, title: 'The grant changed while the call was decided.' },
  tool_changed: { status: 409, title: 'The tool changed while the call was decided.' },
  limits_unavailable: { status: 503, title: 'Limits cannot be read at this moment; nothing was called.' },
  gateway_overloaded: { status: 503, title: 'More calls wait here than can be admitted; try again.' },

  // Destinations of calls
  destination_refused: { status: 403, title: 'The destination is not one that may be called.' },
  destination_unresolvable: { status: 502, title: 'The name of the destination does not resolve.' },
  upstream_unreachable: { status: 502, title: 'The provider cannot be reached, or hung up.' },
  upstream_tls_refused: { status: 502, title: 'The TLS certificate of the provider does not verify.' },
  upstream_timeout: { status: 504, title: 'The provider did not answer in time.' },
  upstream_response_refused: {
    status: 502,
    title: 'The answer of the provider is not one that is passed on.',
  },
  redirect_refused: { status: 502, title: 'The provider redirected to where the tool does not lead.' },

  // What passes in and out of calls
  request_blocked: {
    status: 422,
    title: 'The request carries something that may not leave through this tool.',
  },
  response_blocked: {
    status: 502,
    title: 'The answer carries something that may not come in through this tool.',
  },
  response_unreadable: {
    status: 502,
    title: 'The answer cannot be looked into, and the tool does not allow that.',
  },
  credential_unusable: {
    status: 502,
    title: 'The credential is not of the kind that the tool needs; an operator has to look at it.',
  },

  // Dependencies
  vault_unavailable: { status: 503, title: 'Vault does not answer; nothing was changed.' },
  vault_sealed: { status: 503, title: 'Vault is sealed.' },
  vault_denied: {
    status: 502,
    title: 'Vault refused what the broker asked; an operator has to look at its policies.',
  },
  vault_refused: { status: 502, title: 'Vault could not do what was asked.' },
  vault_mount_missing: {
    status: 502,
    title: 'The mount of the credential is not in Vault; an operator has to look.',
  },
  vault_role_missing: {
    status: 502,
    title: 'A role or path that the credential needs is not in Vault; an operator has to look.',
  },
  database_unavailable: { status: 503, title: 'The database does not answer; nothing was changed.' },
  overloaded: { status: 503, title: 'Too much is going on at this moment; try again.' },
  shutting_down: { status: 503, title: 'This replica is stopping; try another.' },
  internal_error: { status: 500, title: 'Something failed here; the reference finds it in the log.' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;

/** A stable code of the closed catalogue. */
export type ErrorCode = keyof typeof ERROR_CODES;

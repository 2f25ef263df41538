import { apiPath } from './api-request.js';
import type {
  CredentialBody,
  CredentialView,
  ExplainBody,
  ExplanationView,
  ForgottenLeaseView,
  GrantCreateBody,
  GrantSpec,
  GrantVersionView,
  GrantView,
  LeaseView,
  RunEndView,
  RunView,
} from './api-types.js';
import type { AdminCalls, Filters, Page } from './admin-calls.js';

/** Why something was done; kept in its event. */
export interface Because {
  readonly reason?: string | undefined;
}

/** Changes of a grant's state that can be undone or not, but need no second person. */
export type GrantAction = 'activate' | 'suspend' | 'resume' | 'revoke';

/** Grants: `/v1/grants`. */
export class GrantAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<GrantView>> {
    return this.calls.get('/v1/grants', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<GrantView, void, undefined> {
    return this.calls.all('/v1/grants', filters);
  }

  /** By id or name. */
  get(id: string): Promise<GrantView> {
    return this.calls.get(apiPath`/v1/grants/${id}`);
  }

  create(spec: GrantCreateBody): Promise<GrantView> {
    return this.calls.post('/v1/grants', spec);
  }

  /** Makes a new version; refused with `precondition_failed` when `version` is not the current one. */
  change(id: string, spec: GrantSpec, version: number): Promise<GrantView> {
    return this.calls.put(apiPath`/v1/grants/${id}`, spec, version);
  }

  versions(id: string): Promise<Page<GrantVersionView>> {
    return this.calls.get(apiPath`/v1/grants/${id}/versions`);
  }

  /** Lets the newest version become active; with `version`, only when it is still the newest. */
  approve(id: string, version?: number): Promise<GrantView> {
    const path = apiPath`/v1/grants/${id}/approve`;
    return this.calls.send({ method: 'POST', path, body: {}, ifMatch: version });
  }

  act(id: string, action: GrantAction, because: Because = {}): Promise<GrantView> {
    return this.calls.post(apiPath`/v1/grants/${id}/${action}`, because);
  }

  /** Clause by clause what matches a token and what does not. */
  explain(request: ExplainBody): Promise<ExplanationView> {
    return this.calls.post('/v1/grants/explain', request);
  }
}

/** The catalogue: `/v1/credentials`. */
export class CredentialAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<CredentialView>> {
    return this.calls.get('/v1/credentials', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<CredentialView, void, undefined> {
    return this.calls.all('/v1/credentials', filters);
  }

  get(name: string): Promise<CredentialView> {
    return this.calls.get(apiPath`/v1/credentials/${name}`);
  }

  create(spec: CredentialBody): Promise<CredentialView> {
    return this.calls.post('/v1/credentials', spec);
  }

  /** Refused with `precondition_failed` when `version` is not the current one. */
  change(name: string, spec: CredentialBody, version: number): Promise<CredentialView> {
    return this.calls.put(apiPath`/v1/credentials/${name}`, spec, version);
  }

  /** Disabling ends every lease of the credential. */
  act(name: string, action: 'disable' | 'enable', because: Because = {}): Promise<CredentialView> {
    return this.calls.post(apiPath`/v1/credentials/${name}/${action}`, because);
  }
}

/** Runs: `/v1/runs`. Ids are ours (`run_ref` of a lease), not the platform's. */
export class RunAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<RunView>> {
    return this.calls.get('/v1/runs', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<RunView, void, undefined> {
    return this.calls.all('/v1/runs', filters);
  }

  get(id: string): Promise<RunView> {
    return this.calls.get(apiPath`/v1/runs/${id}`);
  }

  /** Ends the run and every lease of it. */
  act(id: string, action: 'close' | 'revoke', because: Because = {}): Promise<RunEndView> {
    return this.calls.post(apiPath`/v1/runs/${id}/${action}`, because);
  }
}

/** Leases of everybody: `/v1/leases`. */
export class LeaseAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<LeaseView>> {
    return this.calls.get('/v1/leases', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<LeaseView, void, undefined> {
    return this.calls.all('/v1/leases', filters);
  }

  get(id: string): Promise<LeaseView> {
    return this.calls.get(apiPath`/v1/leases/${id}`);
  }

  revoke(id: string, because: Because = {}): Promise<LeaseView> {
    return this.calls.post(apiPath`/v1/leases/${id}/revoke`, because);
  }

  /** Tries a revocation that waits for its next attempt again, now; `state` and `last_error` say how it went. */
  retry(id: string, because: Because = {}): Promise<LeaseView> {
    return this.calls.post(apiPath`/v1/leases/${id}/retry`, because);
  }

  /** Gives up on a lease whose revocation is stuck: `may_be_alive` is yours to look after from now on. */
  forget(id: string, because: { readonly reason: string }): Promise<ForgottenLeaseView> {
    return this.calls.post(apiPath`/v1/leases/${id}/forget`, because);
  }
}

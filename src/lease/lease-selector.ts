/** Which leases something is about. */
export type LeaseSelector =
  | { readonly leaseIds: readonly string[] }
  | { readonly runRef: string }
  | { readonly grantId: string }
  | { readonly credential: string };

/** A condition on leases called `l`, with its one parameter. */
export interface SelectorCondition {
  readonly sql: string;
  readonly value: string | readonly string[];
}

/** The condition of a selector; `placeholder` is where its value stands, such as `$3`. */
export function conditionOf(selector: LeaseSelector, placeholder: string): SelectorCondition {
  if ('leaseIds' in selector) return { sql: `l.id = ANY(${placeholder}::uuid[])`, value: selector.leaseIds };
  if ('runRef' in selector) return { sql: `l.run_ref = ${placeholder}::uuid`, value: selector.runRef };
  if ('grantId' in selector) return { sql: `l.grant_id = ${placeholder}::uuid`, value: selector.grantId };
  return { sql: `l.credential = ${placeholder}::text`, value: selector.credential };
}

/** Which leases something is about. */
export type LeaseSelector =
  | { readonly leaseIds: readonly string[] }
  | { readonly runRef: string }
  | { readonly grantId: string }
  | { readonly credential: string }
  /** Of the runs of one workload; `issuer` is the exact `iss` of its tokens. */
  | { readonly issuer: string; readonly subject: string }
  | { readonly issuer: string }
  /** Of one target: a mount of Vault's. */
  | { readonly mount: string }
  /** Of every grant with this label. */
  | { readonly label: string; readonly value: string }
  /** What a revocation has gathered so far. */
  | { readonly revocationId: string };

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
  if ('credential' in selector)
    return { sql: `l.credential = ${placeholder}::text`, value: selector.credential };
  if ('mount' in selector) return { sql: `l.mount = ${placeholder}::text`, value: selector.mount };
  if ('revocationId' in selector)
    return {
      sql: `l.id IN (SELECT v.lease_id FROM revocation_leases v WHERE v.revocation_id = ${placeholder}::uuid)`,
      value: selector.revocationId,
    };
  if ('label' in selector)
    return {
      sql: `l.grant_id IN (SELECT x.id FROM grants x WHERE x.labels->>((${placeholder}::text[])[1]) = (${placeholder}::text[])[2])`,
      value: [selector.label, selector.value],
    };
  if ('subject' in selector)
    return {
      sql: `l.run_ref IN (SELECT x.id FROM runs x WHERE x.issuer = (${placeholder}::text[])[1] AND x.subject = (${placeholder}::text[])[2])`,
      value: [selector.issuer, selector.subject],
    };
  return {
    sql: `l.run_ref IN (SELECT x.id FROM runs x WHERE x.issuer = ${placeholder}::text)`,
    value: selector.issuer,
  };
}

/** Fields of the token role that makes the tokens of leases. Vault API: `POST auth/token/roles/:role_name`. */
export function tokenRoleFields(policyPrefix: string): Readonly<Record<string, unknown>> {
  return {
    allowed_policies_glob: [`${policyPrefix}*`],
    // Anything in this list could be asked for beside the glob.
    allowed_policies: [],
    orphan: true,
    renewable: true,
    token_no_default_policy: true,
    // Batch tokens have no accessor, and a period would let a token outlive its lease.
    token_type: 'service',
    token_period: 0,
  };
}

/** Names of the fields in which a token role is not as it should be. */
export function tokenRoleDifferences(
  found: Readonly<Record<string, unknown>>,
  policyPrefix: string,
): readonly string[] {
  return differences(found, tokenRoleFields(policyPrefix));
}

/** Names of the wanted fields whose value in Vault is another one. */
export function differences(
  found: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): readonly string[] {
  return Object.keys(wanted).filter((field) => !same(found[field], wanted[field]));
}

/** Vault answers what is empty as null or not at all, and lists in an order of its own. */
function same(found: unknown, wanted: unknown): boolean {
  if (wanted === 0) return found === 0 || found === undefined;
  if (!Array.isArray(wanted)) return found === wanted;
  const list: readonly unknown[] = Array.isArray(found) ? found : [];
  const asked: readonly unknown[] = wanted;
  return JSON.stringify([...list].sort()) === JSON.stringify([...asked].sort());
}

# Credential @NAME@: what the token of one of its leases may do. The secret is static; this reads it.
path "@MOUNT@/data/@PATH@" {
  capabilities = ["read"]
}

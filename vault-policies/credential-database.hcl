# Credential @NAME@: what the token of one of its leases may do. One read makes one database user.
path "@MOUNT@/creds/@PATH@" {
  capabilities = ["read"]
}

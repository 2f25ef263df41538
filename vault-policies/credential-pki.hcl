# Credential @NAME@: what the token of one of its leases may do. One write issues one certificate.
path "@MOUNT@/issue/@PATH@" {
  capabilities = ["create", "update"]
}

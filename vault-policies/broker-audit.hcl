# Matching what Vault's own audit log says with our leases: hashes a value as that device does, and tells nothing else.
path "sys/audit-hash/@DEVICE@" {
  capabilities = ["update"]
}

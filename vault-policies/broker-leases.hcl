# Leases of the engines that credentials come from, and of no other mount.
path "sys/leases/renew" {
  capabilities = ["update"]
  allowed_parameters = {
    "lease_id"  = [@LEASE_PREFIXES@]
    "increment" = []
  }
}
path "sys/leases/revoke" {
  capabilities = ["update"]
  allowed_parameters = {
    "lease_id" = [@LEASE_PREFIXES@]
    "sync"     = []
  }
}
path "sys/leases/lookup" {
  capabilities = ["update"]
  allowed_parameters = {
    "lease_id" = [@LEASE_PREFIXES@]
  }
}

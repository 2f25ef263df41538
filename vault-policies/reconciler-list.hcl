
# Credential @NAME@.
path "sys/leases/lookup/@MOUNT@/@SEGMENT@/@PATH@" {
  capabilities = ["list", "sudo"]
}
path "sys/leases/lookup/@MOUNT@/@SEGMENT@/@PATH@/" {
  capabilities = ["list", "sudo"]
}

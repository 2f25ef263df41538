# Signing the log: with its key and no other, and never taking the key along.
path "@TRANSIT_MOUNT@/sign/@LOG_KEY@" {
  capabilities = ["update"]
}
path "@TRANSIT_MOUNT@/keys/@LOG_KEY@" {
  capabilities = ["read"]
}

# How far the log was signed. Written by check-and-set; there is no right to delete it or its versions.
path "@MARK_MOUNT@/data/@MARK_PATH@" {
  capabilities = ["create", "read", "update"]
}

# Its version alone, so that a mark which was deleted is told from one which was never there.
path "@MARK_MOUNT@/metadata/@MARK_PATH@" {
  capabilities = ["read"]
}

# Optional, and not applied by `leasegate vault apply`: lets reconciliation find tokens of leases that no row knows
# (reconciliation.listTokens). Vault gives the accessors of every token or of none, so whoever has this and
# auth/token/revoke-accessor can end any token. Write it yourself, and add it to the broker's login, only where that is fine.
path "auth/token/accessors" {
  capabilities = ["list", "sudo"]
}
path "auth/token/accessors/" {
  capabilities = ["list", "sudo"]
}

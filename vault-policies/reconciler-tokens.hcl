# Only where the settings ask for it (reconciliation.listTokens): lets reconciliation find tokens of leases that no row
# knows. Vault gives the accessors of every token or of none, so whoever has this and auth/token/revoke-accessor can end
# any token. Ask for it only where that is fine.
path "auth/token/accessors" {
  capabilities = ["list", "sudo"]
}
path "auth/token/accessors/" {
  capabilities = ["list", "sudo"]
}

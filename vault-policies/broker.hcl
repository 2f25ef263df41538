# The broker's own login. It makes tokens that read credentials; it reads none itself, and writes no policy.

# The tokens of leases, of this role only: orphans, with policies whose names begin with @POLICY_PREFIX@.
path "auth/token/create/@TOKEN_ROLE@" {
  capabilities = ["create", "update"]
}

# Ending a lease by its token, and the proof that the token is gone. Neither can be limited to our own
# tokens; an accessor is not a secret that anybody can guess, and the broker may not list accessors.
path "auth/token/revoke-accessor" {
  capabilities = ["update"]
}
path "auth/token/lookup-accessor" {
  capabilities = ["update"]
}

# Its own token: checked, renewed, given back.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# What `leasegate doctor` looks at. Reading only.
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "auth/token/roles/@TOKEN_ROLE@" {
  capabilities = ["read"]
}
path "sys/policies/acl/@POLICY_PREFIX@*" {
  capabilities = ["read"]
}

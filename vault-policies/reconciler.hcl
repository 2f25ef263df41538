# What reconciliation needs beside the broker's policy: to list the leases of the credentials' own roles.
# Vault asks for `sudo` to list leases; here it gives the listing of one role and nothing else.

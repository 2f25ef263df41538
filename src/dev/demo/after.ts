/** What to try after the demonstration. */
export const NEXT = `What to try next
  npm run demo -- --keep    the same, left running, with curl lines for each API
  npm test                  everything that is promised, on real parts
  npm run bench -- issue    our part beside Vault's own time
  docs/                     how to run it, and why it is made as it is`;

/** What is up, as the lines name it. */
export interface LeftUp {
  readonly brokerUrl: string;
  readonly issuerUrl: string;
  /** The workload that has the grant. */
  readonly subject: string;
  readonly grant: string;
}

/** Lines for a shell that use each API of what is up; they can be pasted as they are. */
export function curlLines({ brokerUrl, issuerUrl, subject, grant }: LeftUp): string {
  const part = (path: string): string => `node -p 'JSON.parse(fs.readFileSync(0)).${path}'`;
  const mint = (claims: string): string =>
    `$(curl -sS $ISSUER/dev/token -H "$JSON" -H 'accept: text/plain' -d '{"claims":${claims},"lifetime_seconds":3600}')`;
  const get = (path: string): string => `curl -sS -w '\\n' "$BROKER${path}"`;
  return `# Where things are. The issuer is for trying out: it gives anybody any token.
BROKER=${brokerUrl}
ISSUER=${issuerUrl}
JSON='content-type: application/json'

# The worker: its platform's token, exchanged for a run token (RFC 8693); leases, renewal, release
WORKER=${mint(`{"sub":"${subject}"}`)}
RUN="authorization: Bearer $(curl -sS $BROKER/oauth2/token -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token_type=urn:ietf:params:oauth:token-type:jwt -d subject_token=$WORKER -d run_id=by-hand-$$ -d step_id=try | ${part('access_token')})"
LEASE=$(curl -sS $BROKER/v1/leases -H "$RUN" -H "$JSON" -d '{"credential":"orders-readonly","ttl_seconds":60}' | ${part('lease.id')})
${get('/v1/leases/$LEASE/renew')} -H "$RUN" -H "$JSON" -d '{"ttl_seconds":300}'
${get('/v1/leases')} -H "$RUN" -H "$JSON" -d '{"credential":"payments-api"}'
${get('/v1/leases')} -H "$RUN" -H "$JSON" -d '{"credential":"internal-tls"}'
${get('/v1/leases')} -H "$RUN" -H "$JSON" -d '{"credential":"orders-readonly","delivery":"wrapped"}'
${get('/v1/runs/self')} -H "$RUN"
${get('/v1/leases/$LEASE')} -X DELETE -H "$RUN"

# The admin: grants, credentials, runs, leases
ADMIN="authorization: Bearer ${mint('{"sub":"alice","roles":["admin","auditor","operator"]}')}"
${get('/v1/whoami')} -H "$ADMIN"
${get('/v1/grants')} -H "$ADMIN"
${get(`/v1/grants/${grant}`)} -H "$ADMIN"
${get('/v1/grants/explain')} -H "$ADMIN" -H "$JSON" -d '{"token":"'$WORKER'","run_id":"r","step_id":"s"}'
${get('/v1/credentials')} -H "$ADMIN"
${get('/v1/runs?state=open')} -H "$ADMIN"
${get('/v1/leases?state=active')} -H "$ADMIN"
${get('/v1/issuers')} -H "$ADMIN"

# The end of the run: every lease of it is revoked
${get('/v1/runs/self')} -X DELETE -H "$RUN"

# The auditor
${get('/v1/audit/events?limit=3')} -H "$ADMIN"
${get('/v1/audit/events/head')} -H "$ADMIN"
${get('/v1/audit/export?format=jsonl')} -H "$ADMIN"

# Health, metrics, metadata, and the description of the API (for people: ${brokerUrl}/docs)
${get('/livez')}
${get('/readyz')}
${get('/metrics')}
${get('/.well-known/oauth-authorization-server')}
${get('/.well-known/jwks.json')}
${get('/openapi.json')}
`;
}

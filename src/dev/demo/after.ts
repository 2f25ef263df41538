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
export function curlLines(up: LeftUp): string {
  const { brokerUrl, issuerUrl, subject, grant } = up;
  const json = `-H 'content-type: application/json'`;
  const field = (path: string): string => `node -p 'JSON.parse(fs.readFileSync(0)).${path}'`;
  const admin = `-H "authorization: Bearer $ADMIN"`;
  const run = `-H "authorization: Bearer $RUN"`;
  return `
# The addresses, an admin's token and a worker's token (the issuer is for trying out: it gives anybody any token)
BROKER=${brokerUrl}
ISSUER=${issuerUrl}
ADMIN=$(curl -sf $ISSUER/dev/token ${json} -H 'accept: text/plain' -d '{"claims":{"sub":"alice","roles":["admin","auditor","operator"]},"lifetime_seconds":3600}')
WORKER=$(curl -sf $ISSUER/dev/token ${json} -H 'accept: text/plain' -d '{"claims":{"sub":"${subject}"},"lifetime_seconds":3600}')

# The worker: token exchange (RFC 8693), lease, renew, look, release, end of the run
RUN=$(curl -sf $BROKER/oauth2/token -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token_type=urn:ietf:params:oauth:token-type:jwt -d subject_token=$WORKER -d run_id=by-hand-$$ -d step_id=try | ${field('access_token')})
LEASE=$(curl -sf $BROKER/v1/leases ${run} ${json} -d '{"credential":"orders-readonly","ttl_seconds":300}' | ${field('lease.id')})
curl -sf -X POST $BROKER/v1/leases/$LEASE/renew ${run} ${json} -d '{}'
curl -sf $BROKER/v1/leases ${run} ${json} -d '{"credential":"payments-api"}'
curl -sf $BROKER/v1/leases ${run} ${json} -d '{"credential":"internal-tls"}'
curl -sf $BROKER/v1/leases ${run} ${json} -d '{"credential":"orders-readonly","delivery":"wrapped"}'
curl -sf $BROKER/v1/runs/self ${run}
curl -sf -X DELETE $BROKER/v1/leases/$LEASE ${run}

# The admin: grants, credentials, runs, leases
curl -sf $BROKER/v1/whoami ${admin}
curl -sf $BROKER/v1/grants ${admin}
curl -sf $BROKER/v1/grants/${grant} ${admin}
curl -sf $BROKER/v1/grants/explain ${admin} ${json} -d "{\\"token\\":\\"$WORKER\\",\\"run_id\\":\\"r\\",\\"step_id\\":\\"s\\"}"
curl -sf $BROKER/v1/credentials ${admin}
curl -sf $BROKER/v1/credentials/orders-readonly ${admin}
curl -sf "$BROKER/v1/runs?state=open" ${admin}
curl -sf "$BROKER/v1/leases?state=active" ${admin}
curl -sf $BROKER/v1/issuers ${admin}

# The end of the run: every lease of it is revoked
curl -sf -X DELETE $BROKER/v1/runs/self ${run}

# The auditor
curl -sf "$BROKER/v1/audit/events?limit=5" ${admin}
curl -sf $BROKER/v1/audit/events/head ${admin}
curl -sf "$BROKER/v1/audit/export?format=jsonl" ${admin}

# Health, metrics, metadata, API description (also to look at, in a browser: ${brokerUrl}/docs)
curl -sf $BROKER/livez
curl -sf $BROKER/readyz
curl -sf $BROKER/metrics
curl -sf $BROKER/.well-known/oauth-authorization-server
curl -sf $BROKER/.well-known/jwks.json
curl -sf $BROKER/openapi.json
`.trimStart();
}

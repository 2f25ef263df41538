import { ProofKey } from '../../sdk/proof-key.js';
import type { LeaseView } from '../../sdk/api-types.js';
import { workerClient } from '../clients.js';
import type { Invocation } from '../invocation.js';
import { fieldText, shellQuoted, variableName } from '../shell-words.js';

/** `token exchange` */
export async function exchange(invocation: Invocation): Promise<void> {
  const proofKey = invocation.flag('proof') ? await ProofKey.generate() : undefined;
  const credentials = invocation.texts('credential');
  const tools = invocation.texts('tool');
  const client = workerClient(invocation, {
    ...(credentials.length > 0 && { credentials }),
    ...(tools.length > 0 && { tools }),
    ...(proofKey && { proofKey }),
  });
  const token = await client.exchange();
  if (invocation.flag('raw')) {
    invocation.output.line(token.expose());
    return;
  }
  invocation.output.document({
    access_token: token.expose(),
    token_type: token.tokenType,
    expires_in: Math.floor(token.lifetimeMs / 1000),
    scope: token.scope,
    run_id: token.runId,
    step_id: token.stepId,
    grant: token.grant,
  });
}

/** `lease get` */
export async function leaseCredential(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const delivery = invocation.text('delivery');
  const lease = await workerClient(invocation).lease(invocation.word(0), {
    ttlSeconds: invocation.number('ttl'),
    delivery: delivery === 'wrapped' || delivery === 'inline' ? delivery : undefined,
    autoRenew: false,
  });
  const wrapping = lease.wrapping;
  // Spread: the data as a whole redacts itself, and printing it is what was asked for here.
  const data: Record<string, unknown> = wrapping
    ? {
        wrapping_token: wrapping.token,
        wrapping_expires_at: wrapping.expiresAt.toISOString(),
        vault_address: wrapping.vaultAddress,
      }
    : { ...lease.data };
  const format = invocation.text('format');
  if (format === 'env') {
    for (const [field, value] of Object.entries(data)) {
      output.line(`${variableName(lease.credential, field)}=${shellQuoted(fieldText(value))}`);
    }
  } else if (format === 'json') output.document(data);
  else {
    await output.show({ lease: lease.view, ...(wrapping ? { wrapping: data } : { credential: data }) }, () =>
      output.fields([
        ['lease', lease.id],
        ['expires', lease.expiresAt.toISOString()],
        ...Object.entries(data).map(([field, value]) => [field, fieldText(value)] as const),
      ]),
    );
  }
  if (!output.json) {
    output.note(
      `lease ${lease.id} ends at ${lease.expiresAt.toISOString()}; renew it with: leasegate lease renew ${lease.id}`,
      'dim',
    );
    if (!lease.revocable) output.note('this secret is static: it lives on after the lease', 'yellow');
  }
}

/** `lease renew` */
export async function renewLease(invocation: Invocation): Promise<void> {
  const lease = await workerClient(invocation).renewLease(invocation.word(0), {
    ttlSeconds: invocation.number('ttl'),
  });
  await printLease(invocation, lease);
}

/** `lease release` */
export async function releaseLease(invocation: Invocation): Promise<void> {
  await printLease(invocation, await workerClient(invocation).releaseLease(invocation.word(0)));
}

async function printLease({ output }: Invocation, lease: LeaseView): Promise<void> {
  await output.show(lease, () =>
    output.fields([
      ['lease', lease.id],
      ['credential', lease.credential],
      ['state', lease.state],
      ['expires', lease.expires_at],
      ['ended', lease.ended_at],
      ['proof', lease.proof],
    ]),
  );
}

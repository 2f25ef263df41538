import type { HeldLease } from '../../sdk/held-lease.js';
import { failureOf } from '../failure.js';
import type { Output } from '../output.js';

/** Says on standard error when a lease cannot be renewed, why, and how long the credential still works. */
export function announceRenewals(lease: HeldLease, output: Output): void {
  const until = (at: Date): string => `it works until ${at.toISOString()}`;
  lease.on('renewal-failed', ({ error, willRetry, expiresAt }) => {
    const { code, detail, reference } = failureOf(error);
    const about = reference === undefined ? '' : ` (reference ${reference})`;
    output.note(
      willRetry
        ? `leasegate: the lease of ${lease.credential} could not be renewed yet: ${code}: ${detail}${about}; trying again, ${until(expiresAt)}`
        : `leasegate: the lease of ${lease.credential} cannot be renewed: ${code}: ${detail}${about}; ${until(expiresAt)} at most`,
      'yellow',
    );
  });
  lease.on('ended', (reason) => {
    if (reason === 'expired')
      output.note(
        `leasegate: the lease of ${lease.credential} has expired; the credential works no more`,
        'red',
      );
  });
}

import type { HeldCredential } from '../../sdk/held-credential.js';
import type { HeldLease, RenewalFailure } from '../../sdk/held-lease.js';
import { failureOf } from '../failure.js';
import type { Output } from '../output.js';

/** Says on standard error when a credential was replaced, or cannot be renewed or replaced, and why. */
export function announceRotations(credential: HeldCredential, output: Output): void {
  const { name } = credential;
  credential.on('renewal-failed', (failure) => announceFailure(name, failure, output));
  credential.on('rotated', ({ previousUntil }) =>
    output.note(
      `leasegate: ${name} was replaced; the old one works until ${previousUntil.toISOString()}`,
      'dim',
    ),
  );
  credential.on('rotation-failed', ({ error, willRetry, usableUntil }) => {
    const works =
      usableUntil === null
        ? 'the old one works no more'
        : `the old one works until ${usableUntil.toISOString()}`;
    const next = willRetry ? '; trying again' : '';
    output.note(`leasegate: ${name} could not be replaced: ${reasonOf(error)}${next}; ${works}`, 'yellow');
  });
  credential.on('final', (endsAt) =>
    output.note(
      `leasegate: ${name} is not replaced any more: run or grant end at ${endsAt.toISOString()}`,
      'yellow',
    ),
  );
  credential.on('lapsed', () =>
    output.note(`leasegate: ${name} works no more, and there is no other yet`, 'red'),
  );
  credential.on('ended', (reason) => {
    if (reason === 'expired') announceExpiry(name, output);
  });
}

/** Says on standard error when a lease cannot be renewed, why, and how long the credential still works. */
export function announceRenewals(lease: HeldLease, output: Output): void {
  lease.on('renewal-failed', (failure) => announceFailure(lease.credential, failure, output));
  lease.on('ended', (reason) => {
    if (reason !== 'released') announceExpiry(lease.credential, output);
  });
}

function announceFailure(name: string, failure: RenewalFailure, output: Output): void {
  const { error, willRetry, usableUntil } = failure;
  const works = usableUntil === null ? 'it works no more' : `it works until ${usableUntil.toISOString()}`;
  output.note(
    willRetry
      ? `leasegate: the lease of ${name} could not be renewed yet: ${reasonOf(error)}; trying again, ${works}`
      : `leasegate: the lease of ${name} cannot be renewed: ${reasonOf(error)}; ${works}${usableUntil === null ? '' : ' at most'}`,
    'yellow',
  );
}

function announceExpiry(name: string, output: Output): void {
  output.note(`leasegate: the lease of ${name} has expired; the credential works no more`, 'red');
}

function reasonOf(error: unknown): string {
  const { code, detail, reference } = failureOf(error);
  return `${code}: ${detail}${reference === undefined ? '' : ` (reference ${reference})`}`;
}

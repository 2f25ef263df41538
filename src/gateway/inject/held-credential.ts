import type { Secret } from '../../kernel/secret.js';

/** A credential that the gateway holds for a run: a lease of delivery `gateway`, and what Vault made for it. */
export interface HeldCredential {
  readonly leaseId: string;
  /** What Vault answered: `api_key`, `username` and `password`, `certificate` and `private_key`, whatever it is. */
  readonly data: Secret<Readonly<Record<string, unknown>>>;
  /** From this moment on nothing may be sent with it. */
  readonly usableUntil: Date;
}

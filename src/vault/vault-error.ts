import { BrokerError } from '../kernel/broker-error.js';
import { faultOfCode, VAULT_FAULTS, type VaultErrorCode, type VaultFault } from './vault-fault.js';

/** What is known of a failed call; nothing in it may be a secret. */
export interface VaultFailure {
  readonly operation: string;
  /** What it was, where that is known more closely than the code says. */
  readonly fault?: VaultFault;
  /** Absent when there was no answer. */
  readonly httpStatus?: number;
  /** Vault's own error strings, scrubbed. */
  readonly errors?: readonly string[];
  /** Why there was no usable answer, in our words. */
  readonly reason?: string;
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * A call to Vault that failed. Carries the operation, the status and Vault's scrubbed error strings, and never the
 * request, its token or the answer's body; the error of the transport is not kept as a cause, since parsers attach
 * the raw answer to theirs.
 */
export class VaultError extends BrokerError {
  readonly operation: string;
  readonly fault: VaultFault;
  readonly httpStatus: number | undefined;
  readonly vaultErrors: readonly string[];

  constructor(
    override readonly code: VaultErrorCode,
    failure: VaultFailure,
  ) {
    const facts = [
      failure.httpStatus === undefined ? undefined : `status ${failure.httpStatus}`,
      failure.reason,
      ...(failure.errors ?? []),
    ].filter((fact) => fact !== undefined);
    const fault = failure.fault ?? faultOfCode(code);
    super(code, {
      detail: VAULT_FAULTS[fault].what,
      internal: `vault ${failure.operation}: ${facts.join('; ')}`,
      ...(failure.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: failure.retryAfterSeconds }),
    });
    this.operation = failure.operation;
    this.fault = fault;
    this.httpStatus = failure.httpStatus;
    this.vaultErrors = failure.errors ?? [];
  }

  /** The failure for a fault, with the code that belongs to it. */
  static of(fault: VaultFault, failure: Omit<VaultFailure, 'fault'>): VaultError {
    return new VaultError(VAULT_FAULTS[fault].code, { ...failure, fault });
  }

  /** Whether one of Vault's error strings has this in it. */
  says(text: string): boolean {
    return this.vaultErrors.some((error) => error.includes(text));
  }
}

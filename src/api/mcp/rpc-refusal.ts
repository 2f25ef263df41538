import type { BrokerError } from '../../kernel/broker-error.js';
import { REFUSAL_META } from './call-result.js';

/**
 * A refusal of a request that has no result to put it into, as the protocol's package turns it into a JSON-RPC error:
 * by the members `code`, `message` and `data`. Everything else that is thrown would show its own message to callers.
 */
export class RpcRefusal extends Error {
  /** Internal error (JSON-RPC 2.0, §5.1); the range below is the package's own. */
  readonly code = -32_603;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(error: BrokerError, reference: string) {
    super(`${error.code}: ${error.detail ?? error.title}`);
    this.name = 'RpcRefusal';
    this.data = { [REFUSAL_META]: { code: error.code, status: error.status, reference } };
  }
}

import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import type { CallAnswer } from './call-answer.js';
import type { WantedCall } from './wanted-call.js';

/** The one path on which calls leave. */
export abstract class Calls {
  /**
   * Makes one call. Refuses with the code of the check that did not let it pass, after recording that as
   * `call.refused`; failures after its start end it with `call.ended`. Aborting ends it at the provider, too.
   */
  abstract call(
    identity: RunIdentity,
    wanted: WantedCall,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<CallAnswer>;
}

import { Injectable } from '@nestjs/common';
import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import type { CallAnswer } from './call-answer.js';
import { CallArrival } from './call-arrival.js';
import { CallDeparture } from './call-departure.js';
import { CallStarts } from './call-starts.js';
import { OpenCallRegistry } from './open-call-registry.js';
import type { WantedCall } from './wanted-call.js';

/**
 * The one path on which calls leave:
 *
 *   1 start    run and step, tool, parameters, what must not leave; budget, limits and the event `call.started` in
 *              one statement
 *   2 depart   destination vetted, credential injected, request sent
 *   3 arrive   answer limited, decoded, checked, scrubbed, costed
 *   4 end      the event `call.ended`, when the last byte was passed on
 *
 * Nothing leaves whose event is not on disk. A call that this process does not live to end is reconciled as `unknown`.
 */
@Injectable()
export class Calls {
  constructor(
    private readonly starts: CallStarts,
    private readonly registry: OpenCallRegistry,
    private readonly departure: CallDeparture,
    private readonly arrival: CallArrival,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes one call. Refuses with the code of the check that did not let it pass, after recording that as
   * `call.refused`; failures after its start end it with `call.ended`. Aborting ends it at the provider, too.
   */
  async call(
    identity: RunIdentity,
    wanted: WantedCall,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<CallAnswer> {
    const beganMs = this.clock.monotonicMs();
    const started = await this.starts.start(identity, wanted, caller);
    const open = this.registry.open(started, signal, beganMs);
    try {
      open.signal.throwIfAborted();
      return await this.arrival.receive(open, await this.departure.send(open));
    } catch (error) {
      throw open.fail(error);
    }
  }
}

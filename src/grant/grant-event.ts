import type { Caller } from '../kernel/caller.js';
import type { EventContext } from '../audit/event.js';
import type { Grant } from './grant.js';

/** The envelope of an event about a grant. */
export function about(grant: Pick<Grant, 'id' | 'name' | 'version'>, caller: Caller): EventContext {
  return { caller, grant: { id: grant.id, name: grant.name, version: grant.version } };
}

/** The data of an event that may have a reason. */
export function because(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

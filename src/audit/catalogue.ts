import type { DataOf, Fields } from './field-class.js';
import { ACCESS_KINDS } from './kinds/access-kinds.js';
import { GATEWAY_KINDS } from './kinds/gateway-kinds.js';
import { LEASE_KINDS } from './kinds/lease-kinds.js';
import { OPERATION_KINDS } from './kinds/operation-kinds.js';

/**
 * Every kind of event that the product writes, with the class of each field. A field that is not here cannot be
 * written: the types refuse it, and the inbox checks again. `docs/reference/events.md` is generated from this.
 */
export const EVENT_KINDS = {
  ...ACCESS_KINDS,
  ...LEASE_KINDS,
  ...GATEWAY_KINDS,
  ...OPERATION_KINDS,
} as const satisfies Record<string, Fields>;

/** A kind of event. */
export type EventKind = keyof typeof EVENT_KINDS;

/** The data that a kind of event carries besides its envelope. */
export type EventData<K extends EventKind> = DataOf<(typeof EVENT_KINDS)[K]>;

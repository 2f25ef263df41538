/** The checks of a call in their order; an event of a refused call names the one that refused. */
export const CALL_CHECKS = [
  'run_identity',
  'tool_allowed',
  'parameters',
  'request_scrub',
  'admission',
  'destination',
  'credential',
  'sending',
  'response',
] as const;
export type CallCheck = (typeof CALL_CHECKS)[number];

/** Who did something, as events record it. */
export type Actor =
  | { readonly type: 'workload'; readonly issuer: string; readonly subject: string }
  | {
      readonly type: 'admin';
      readonly issuer: string;
      readonly subject: string;
      readonly roles: readonly Role[];
    }
  | { readonly type: 'system'; readonly name: string }
  | { readonly type: 'anonymous' };

/** What a person or an automation may do on the admin API. */
export const ROLES = ['admin', 'approver', 'auditor', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** Who calls, and under which reference; handed to every operation that records an event. */
export interface Caller {
  readonly actor: Actor;
  /** The request's reference: in the answer, in the log line and in the event. */
  readonly requestId: string;
}

/** The caller of work that nobody asked for just now. */
export function systemCaller(name: string, requestId: string): Caller {
  return { actor: { type: 'system', name }, requestId };
}

/**
 * Who it was, as one line of text: what `created_by` columns hold, and what tells an author from an approver. An
 * issuer has no `#` in it, so two actors never share a line.
 */
export function actorName(actor: Actor): string {
  switch (actor.type) {
    case 'admin':
    case 'workload':
      return `${actor.issuer}#${actor.subject}`;
    case 'system':
      return `system:${actor.name}`;
    case 'anonymous':
      return 'anonymous';
  }
}

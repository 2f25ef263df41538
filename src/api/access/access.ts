import { SetMetadata, type CustomDecorator } from '@nestjs/common';
import type { Role } from '../../kernel/caller.js';

/** What a route asks of its caller. */
export type Access =
  | { readonly kind: 'public'; readonly why: string }
  | { readonly kind: 'run-token'; readonly gateway: boolean }
  | { readonly kind: 'workload' }
  | { readonly kind: 'roles'; readonly roles: readonly Role[] };

/** Under which metadata key a route's {@link Access} stands. A route without it is refused. */
export const ACCESS = 'leasegate:access';

/** A route that anybody may call; says why that is right. */
export function Public(why: string): CustomDecorator {
  if (why === '') throw new Error('a public route says why it is public');
  return SetMetadata(ACCESS, { kind: 'public', why } satisfies Access);
}

/**
 * A route for workers: a run token that we signed, with a DPoP proof when it is bound to a key. On a route of the
 * gateway the token may come as an SDK sends a provider's key, and a refusal is recorded as that of a call.
 */
export function RunToken({ gateway = false }: { readonly gateway?: boolean } = {}): CustomDecorator {
  return SetMetadata(ACCESS, { kind: 'run-token', gateway } satisfies Access);
}

/** A route for workloads: the OIDC token of their platform, before any exchange. */
export function WorkloadToken(): CustomDecorator {
  return SetMetadata(ACCESS, { kind: 'workload' } satisfies Access);
}

/** Under which metadata key it stands that a route shows the log as a whole. */
export const WHOLE_LOG = 'leasegate:whole-log';

/** A route that cannot leave out what its caller may not see, and so is refused to who may see a part of the log only. */
export function WholeLog(): CustomDecorator {
  return SetMetadata(WHOLE_LOG, true);
}

/** A route for people and automation with at least one of these roles; without any, nobody passes. */
export function Roles(...roles: readonly Role[]): CustomDecorator {
  if (roles.length === 0) throw new Error('a route that needs a role names it');
  return SetMetadata(ACCESS, { kind: 'roles', roles } satisfies Access);
}

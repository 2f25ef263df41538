import type { Grant } from '../grant/grant.js';

/** Which credentials the gateway may hold for a grant: a port that `gateway/` implements, since it knows the tools. */
export abstract class GatewayUse {
  /** Whether an enabled tool that the grant names uses the credential; unknown tools and credentials are a no. */
  abstract allows(grant: Grant, credential: string): Promise<boolean>;
}

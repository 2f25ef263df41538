import type { Access } from '../access/access.js';

/** How callers authenticate. */
export const SECURITY_SCHEMES = {
  runToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A run token from `/oauth2/token`; with a DPoP proof when it is bound to a key (RFC 9449).',
  },
  admin: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An OIDC token of an issuer that admins come from.',
  },
  workload: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "The platform's OIDC token.",
  },
} as const;

/** What a route asks for; an empty list says that it asks for nothing. */
export function securityOf(access: Access): Record<string, string[]>[] {
  switch (access.kind) {
    case 'public':
      return [];
    case 'run-token':
      return [{ runToken: [] }];
    case 'workload':
      return [{ workload: [] }];
    case 'roles':
      return [{ admin: [] }];
  }
}

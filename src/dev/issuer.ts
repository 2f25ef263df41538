import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Provider from 'oidc-provider';
import { IssuerKeys, type TokenShape } from './issuer-keys.js';
import { answerLogin, DevAccounts } from './issuer-login.js';
import { DEV_AUDIENCE, DEV_CLIENT_ID } from './issuer-names.js';
import { answerTokenRequest } from './issuer-requests.js';

/** An OIDC issuer for evaluation and tests: real discovery, keys, authorization code with PKCE; no passwords. */
export interface DevIssuer {
  readonly url: string;
  /** Makes a workload's token. */
  token(claims: Readonly<Record<string, unknown>>, shape?: TokenShape): Promise<string>;
  stop(): Promise<void>;
}

/** Where the issuer listens, and what it calls itself. */
export interface IssuerPlace {
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  /** Its `iss`, where it is reached by another name than it listens on. */
  readonly publicUrl?: string;
}

/** Starts an issuer in this process. Its keys and accounts live as long as it does. */
export async function startIssuer(place: IssuerPlace = {}): Promise<DevIssuer> {
  const host = place.host ?? '127.0.0.1';
  const keys = await IssuerKeys.generate();
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(place.port ?? 0, host, resolve);
  });
  const url = place.publicUrl ?? `http://${host}:${(server.address() as AddressInfo).port}`;
  const accounts = new DevAccounts();
  const provider = new Provider(url, configuration(keys, accounts));
  const protocol = provider.callback();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '/';
    if (path.startsWith('/interaction/')) await answerLogin(provider, accounts, request, response);
    else if (path === '/dev/token' && request.method === 'POST') {
      await answerTokenRequest(keys, url, request, response);
    } else await protocol(request, response);
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
      response.end('The request cannot be answered; start the login again.\n');
    });
  });
  return {
    url,
    token: (claims, shape) => keys.sign(url, claims, shape),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const HOUR_SECONDS = 3_600;

function configuration(keys: IssuerKeys, accounts: DevAccounts): Record<string, unknown> {
  return {
    jwks: keys.jwks,
    cookies: { keys: [randomBytes(32).toString('hex')] },
    clients: [
      {
        client_id: DEV_CLIENT_ID,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        id_token_signed_response_alg: 'ES256',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        // RFC 8252 §7.3: any port of the loopback addresses.
        redirect_uris: ['127.0.0.1', '[::1]', 'localhost'].flatMap((host) =>
          ['/', '/callback', '/cb'].map((path) => `http://${host}${path}`),
        ),
      },
    ],
    claims: { openid: ['sub', 'roles'] },
    conformIdTokenClaims: false,
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, roles: accounts.rolesOf(id) }),
    }),
    extraTokenClaims: (_context: unknown, token: { accountId?: string }) =>
      token.accountId === undefined ? undefined : { roles: accounts.rolesOf(token.accountId) },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    loadExistingGrant: consent,
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => DEV_AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context: unknown, resource: string) => ({
          scope: 'openid',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: HOUR_SECONDS,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    ttl: {
      AccessToken: HOUR_SECONDS,
      AuthorizationCode: 60,
      Grant: HOUR_SECONDS,
      IdToken: HOUR_SECONDS,
      Interaction: HOUR_SECONDS,
      Session: HOUR_SECONDS,
    },
  };
}

/** Nobody is asked for consent here: a login grants what the client wants. */
async function consent(context: import('oidc-provider').RequestContext): Promise<unknown> {
  const { client, session, provider } = context.oidc;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope('openid');
  grant.addResourceScope(DEV_AUDIENCE, 'openid');
  await grant.save();
  return grant;
}

import { Controller, Get, Header } from '@nestjs/common';
import { z } from 'zod';
import { PROOF_ALGORITHMS } from '../../identity/dpop.js';
import { RunTokens } from '../../identity/run-tokens.js';
import { Settings } from '../../settings/schema.js';
import { Public } from '../access/access.js';
import { Documented } from '../openapi/operation.js';
import { TOKEN_EXCHANGE } from './token-form.js';

const serverView = z
  .object({
    issuer: z.string(),
    token_endpoint: z.string(),
    jwks_uri: z.string(),
    response_types_supported: z.array(z.string()),
    grant_types_supported: z.array(z.string()),
    token_endpoint_auth_methods_supported: z.array(z.string()),
    dpop_signing_alg_values_supported: z.array(z.string()),
    service_documentation: z.string(),
  })
  .meta({ id: 'AuthorizationServerMetadata' });
type ServerView = z.output<typeof serverView>;

const resourceView = z
  .object({
    resource: z.string(),
    authorization_servers: z.array(z.string()),
    jwks_uri: z.string(),
    bearer_methods_supported: z.array(z.string()),
    dpop_signing_alg_values_supported: z.array(z.string()),
    resource_name: z.string(),
    resource_documentation: z.string(),
  })
  .meta({ id: 'ProtectedResourceMetadata' });
type ResourceView = z.output<typeof resourceView>;

const jwksView = z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).meta({ id: 'Jwks' });
type JwksView = z.output<typeof jwksView>;

const CACHED = 'public, max-age=300';

/** What OAuth clients and resource servers discover about this broker (RFC 8414, RFC 9728, RFC 7517). */
@Controller('.well-known')
export class MetadataController {
  constructor(
    private readonly settings: Settings,
    private readonly runTokens: RunTokens,
  ) {}

  @Get('oauth-authorization-server')
  @Public('discovery comes before any token')
  @Header('cache-control', CACHED)
  @Documented({
    id: 'authorizationServerMetadata',
    tag: 'OAuth',
    summary: 'Authorization server metadata (RFC 8414)',
    answer: serverView,
  })
  server(): ServerView {
    // The issuer is compared as text with `iss`, so it stays exactly as it is configured.
    return {
      issuer: this.settings.values.server.publicUrl,
      token_endpoint: this.at('/oauth2/token'),
      jwks_uri: this.at('/.well-known/jwks.json'),
      response_types_supported: [],
      grant_types_supported: [TOKEN_EXCHANGE],
      token_endpoint_auth_methods_supported: ['none'],
      dpop_signing_alg_values_supported: [...PROOF_ALGORITHMS],
      service_documentation: this.at('/docs'),
    };
  }

  @Get('oauth-protected-resource')
  @Public('a client that was refused learns here where to get a token')
  @Header('cache-control', CACHED)
  @Documented({
    id: 'protectedResourceMetadata',
    tag: 'OAuth',
    summary: 'Protected resource metadata (RFC 9728)',
    answer: resourceView,
  })
  resource(): ResourceView {
    const { publicUrl } = this.settings.values.server;
    return {
      resource: publicUrl,
      authorization_servers: [publicUrl],
      jwks_uri: this.at('/.well-known/jwks.json'),
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: [...PROOF_ALGORITHMS],
      resource_name: 'Leasegate',
      resource_documentation: this.at('/docs'),
    };
  }

  @Get('jwks.json')
  @Public('public keys, so that anybody can verify a run token')
  // Short: a replica that has just started signs with a key that was published a moment ago.
  @Header('cache-control', 'public, max-age=60')
  @Documented({
    id: 'jwks',
    tag: 'OAuth',
    summary: 'Keys that verify run tokens (RFC 7517)',
    answer: jwksView,
  })
  async jwks(): Promise<JwksView> {
    const { keys } = await this.runTokens.jwks();
    return { keys: keys.map((key) => ({ ...key })) };
  }

  private at(path: string): string {
    return `${this.settings.values.server.publicUrl.replace(/\/$/, '')}${path}`;
  }
}

import { Controller, Get, Header } from '@nestjs/common';
import { z } from 'zod';
import { PROOF_ALGORITHMS } from '../../identity/dpop.js';
import { Settings } from '../../settings/schema.js';
import { Public } from '../access/access.js';
import { Documented } from '../openapi/operation.js';

const resourceView = z
  .object({
    resource: z.string(),
    authorization_servers: z.array(z.string()),
    scopes_supported: z.array(z.string()),
    bearer_methods_supported: z.array(z.string()),
    dpop_signing_alg_values_supported: z.array(z.string()),
    resource_name: z.string(),
    resource_documentation: z.string(),
  })
  .meta({ id: 'McpResourceMetadata' });
type ResourceView = z.output<typeof resourceView>;

/** What a client of the Model Context Protocol that was turned away learns: where tokens come from (RFC 9728 §3.1). */
@Controller('.well-known/oauth-protected-resource/mcp')
export class McpMetadataController {
  constructor(private readonly settings: Settings) {}

  @Get()
  @Public('a client that was refused learns here where to get a token')
  @Header('cache-control', 'public, max-age=300')
  @Documented({
    id: 'mcpResourceMetadata',
    tag: 'OAuth',
    summary: 'Protected resource metadata of the MCP endpoint (RFC 9728)',
    answer: resourceView,
  })
  resource(): ResourceView {
    const { publicUrl } = this.settings.values.server;
    const own = publicUrl.replace(/\/$/, '');
    return {
      // A client compares this with the URL that it called (RFC 9728 §3.3).
      resource: `${own}/mcp`,
      authorization_servers: [publicUrl],
      // A token is narrowed by names, which only the grant knows.
      scopes_supported: [],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: [...PROOF_ALGORITHMS],
      resource_name: 'Leasegate tools',
      resource_documentation: `${own}/docs`,
    };
  }
}

import { createHash } from 'node:crypto';
import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import { BrokerError } from '../../kernel/broker-error.js';
import { ERROR_CODES } from '../../kernel/error-codes.js';
import { Public } from '../access/access.js';
import type { ApiReply } from '../http/request.js';
import { ApiDescription } from './description.js';
import { Documented } from './operation.js';
import { PAGE_STYLE } from './page.js';

const STYLE_HASH = createHash('sha256').update(PAGE_STYLE).digest('base64');
const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
const CACHED = 'public, max-age=300';

/** The description of the API, for machines and for people. */
@Controller()
export class OpenApiController {
  constructor(private readonly description: ApiDescription) {}

  @Get('openapi.json')
  @Public('the description of an API is no secret')
  @Header('cache-control', CACHED)
  @Documented({
    id: 'openapi',
    tag: 'Operation',
    summary: 'This description (OpenAPI 3.1)',
    answer: { mediaType: 'application/json' },
  })
  document(@Res({ passthrough: true }) reply: ApiReply): string {
    void reply.type('application/json; charset=utf-8');
    return this.description.json;
  }

  @Get('docs')
  @Public('the description of an API is no secret')
  @Header('cache-control', CACHED)
  @Documented({
    id: 'docs',
    tag: 'Operation',
    summary: 'This description as a page',
    answer: { mediaType: 'text/html' },
  })
  page(@Res({ passthrough: true }) reply: ApiReply): string {
    void reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY);
    return this.description.page;
  }

  @Get('problems/:code')
  @Public('the `type` of a problem is a link, and whoever got one should be able to follow it')
  @Header('cache-control', CACHED)
  @Documented({
    id: 'problemType',
    tag: 'Operation',
    summary: 'What a problem code means',
    errors: ['not_found'],
  })
  problem(@Param('code') code: string): { code: string; status: number; title: string } {
    const known = Object.entries(ERROR_CODES).find(([name]) => name === code);
    if (known === undefined) throw new BrokerError('not_found');
    return { code, ...known[1] };
  }
}

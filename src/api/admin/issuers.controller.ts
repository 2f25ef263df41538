import { Controller, Get, Header } from '@nestjs/common';
import { z } from 'zod';
import { IssuerKeys } from '../../identity/issuer-keys.js';
import { IssuerRegistry } from '../../identity/issuer-registry.js';
import { PRESETS } from '../../settings/issuer-schema.js';
import { Public, Roles } from '../access/access.js';
import { Documented } from '../openapi/operation.js';

const issuerView = z
  .object({
    name: z.string(),
    url: z.string(),
    audience: z.string(),
    algorithms: z.array(z.string()),
    preset: z.enum(PRESETS),
    replay: z.string(),
    usable_for: z.array(z.string()),
    keys: z.object({ ok: z.boolean(), age_seconds: z.number().nullable(), detail: z.string().nullable() }),
  })
  .meta({ id: 'IssuerView' });
type IssuerView = z.output<typeof issuerView>;

const loginView = z
  .object({
    issuers: z.array(
      z.object({
        name: z.string(),
        url: z.string(),
        client_id: z.string(),
        scope: z.string(),
        audience: z.string(),
        token: z.enum(['access_token', 'id_token']).describe('which of the tokens is the bearer'),
        send_resource: z.boolean().describe('send the audience as `resource` (RFC 8707)'),
      }),
    ),
  })
  .meta({ id: 'LoginView' });
type LoginView = z.output<typeof loginView>;

/** The issuers that are trusted, and how people log in with them. */
@Controller('v1')
export class IssuersController {
  constructor(
    private readonly registry: IssuerRegistry,
    private readonly keys: IssuerKeys,
  ) {}

  @Get('issuers')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'listIssuers',
    tag: 'Operation',
    summary: 'List the trusted issuers and how their keys are',
    answer: z.object({ items: z.array(issuerView), next_cursor: z.null() }),
  })
  async list(): Promise<{ items: IssuerView[]; next_cursor: null }> {
    const items = this.registry.all().map(async (issuer) => {
      const keys = await this.keys.check(issuer.name);
      return {
        name: issuer.name,
        url: issuer.url,
        audience: issuer.audience,
        algorithms: [...issuer.algorithms],
        preset: issuer.preset,
        replay: issuer.replay,
        usable_for: [...issuer.usableFor],
        keys: { ok: keys.ok, age_seconds: keys.ageSeconds ?? null, detail: keys.detail ?? null },
      };
    });
    return { items: await Promise.all(items), next_cursor: null };
  }

  @Get('auth/config')
  @Public(
    'a person who has no token yet needs to know where to get one; client ids of public clients are no secrets',
  )
  @Header('cache-control', 'public, max-age=60')
  @Documented({
    id: 'loginConfiguration',
    tag: 'Operation',
    summary: 'Read where people log in',
    answer: loginView,
  })
  login(): LoginView {
    const issuers = this.registry.all().flatMap((issuer) =>
      issuer.login === undefined || !issuer.usableFor.includes('admin')
        ? []
        : [
            {
              name: issuer.name,
              url: issuer.url,
              client_id: issuer.login.clientId,
              scope: issuer.login.scope,
              audience: issuer.audience,
              token: issuer.login.token,
              send_resource: issuer.login.sendResource,
            },
          ],
    );
    return { issuers };
  }
}

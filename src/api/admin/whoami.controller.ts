import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { ROLES } from '../../kernel/caller.js';
import { Roles } from '../access/access.js';
import { AdminParam } from '../access/principal.js';
import type { AdminIdentity } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { instant } from '../schema/fields.js';
import { instantOf } from '../view/page-view.js';

const whoamiView = z
  .object({
    issuer: z.string().describe('name of the issuer'),
    subject: z.string(),
    roles: z.array(z.enum(ROLES)),
    expires_at: instant.describe('when the token expires'),
  })
  .meta({ id: 'WhoamiView' });
type WhoamiView = z.output<typeof whoamiView>;

/** Who the broker takes the caller for. */
@Controller('v1/whoami')
export class WhoamiController {
  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({ id: 'whoami', tag: 'Operation', summary: 'Read who you are here', answer: whoamiView })
  read(@AdminParam() { token, roles }: AdminIdentity): WhoamiView {
    return {
      issuer: token.issuerName,
      subject: token.subject,
      roles: [...roles],
      expires_at: instantOf(token.expiresAt),
    };
  }
}

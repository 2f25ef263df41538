import { Body, Controller, Get, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { RevocationHold } from '../../lease/hold.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { reasonBody, type ReasonBody } from '../schema/fields.js';

const revocationView = z
  .object({ revocation: z.enum(['on', 'hold']).describe('`hold`: ends are recorded and wait') })
  .meta({ id: 'RevocationView' });
type RevocationView = z.output<typeof revocationView>;

/** The hold on revocations, for a database that was restored. */
@Controller('v1/revocation')
export class RevocationController {
  constructor(private readonly revocation: RevocationHold) {}

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'readRevocation',
    tag: 'Operation',
    summary: 'Read whether revocation is held',
    answer: revocationView,
  })
  async read(): Promise<RevocationView> {
    return { revocation: (await this.revocation.held()) ? 'hold' : 'on' };
  }

  @Post('hold')
  @Roles('admin', 'operator')
  @Documented({
    id: 'holdRevocation',
    tag: 'Operation',
    summary: 'Hold revocation on every replica',
    answer: revocationView,
    idempotency: 'replays',
  })
  async hold(
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
  ): Promise<RevocationView> {
    await this.revocation.hold(caller, reason);
    return this.read();
  }

  @Post('resume')
  @Roles('admin', 'operator')
  @Documented({
    id: 'resumeRevocation',
    tag: 'Operation',
    summary: 'Let revocation go on; what waited is due at once',
    answer: revocationView,
    idempotency: 'replays',
  })
  async resume(
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
  ): Promise<RevocationView> {
    await this.revocation.resume(caller, reason);
    return this.read();
  }
}

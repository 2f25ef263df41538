import { Body, Controller, Get, Post } from '@nestjs/common';
import { z } from 'zod';
import { LogOrigins, type LogOrigin } from '../../audit/log/log-origins.js';
import { LogDamaged } from '../../audit/log/log-tree.js';
import { NewOrigin } from '../../audit/log/new-origin.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';

const originBody = z
  .strictObject({
    reason: z.string().min(1).max(500).describe('what happened to the log; kept in the event'),
  })
  .meta({ id: 'LogOriginBody' });
type OriginBody = z.output<typeof originBody>;

const originView = z
  .object({
    origin: z.string(),
    began_at: z.iso.datetime(),
    size: z.int().describe('entries that it took over'),
    root_hash: z.string().describe('SHA-256, in hex'),
    former: z
      .object({ origin: z.string(), size: z.int(), root_hash: z.string() })
      .describe('what was signed last'),
    lost: z.int().describe('entries that were gone; each is a `log.entry_lost` now'),
    link: z.string().nullable().describe('a signed note under both names; null where the log is not signed'),
    reason: z.string(),
  })
  .meta({ id: 'LogOriginView' });
type OriginView = z.output<typeof originView>;

const originsView = z.object({ items: z.array(originView) }).meta({ id: 'LogOriginsView' });
type OriginsView = z.output<typeof originsView>;

/** Logs that this one went on from. */
@Controller('v1/audit/origins')
export class OriginsController {
  constructor(
    private readonly origins: LogOrigins,
    private readonly newOrigin: NewOrigin,
  ) {}

  @Get()
  @Roles('admin', 'auditor')
  @Documented({
    id: 'listLogOrigins',
    tag: 'Audit',
    summary: 'List the times that the log went on as a new one, oldest first',
    answer: originsView,
  })
  async list(): Promise<OriginsView> {
    return { items: (await this.origins.all()).map(viewOf) };
  }

  @Post()
  @Roles('admin')
  @Documented({
    id: 'beginLogOrigin',
    tag: 'Audit',
    summary: 'Let the log go on as a new one, with a signed link to the former',
    description:
      'For a database that was restored from a backup, or a log that was damaged. Nothing that is there is changed; what was signed of the former log stays true of the former log alone.',
    answer: originView,
    status: 201,
    errors: ['conflict', 'vault_unavailable'],
    idempotency: 'replays',
  })
  async begin(
    @Body({ schema: originBody }) { reason }: OriginBody,
    @CallerParam() caller: Caller,
  ): Promise<OriginView> {
    try {
      return viewOf(await this.newOrigin.begin(caller, reason));
    } catch (error) {
      if (error instanceof LogDamaged)
        throw new BrokerError('conflict', { detail: error.message, cause: error });
      throw error;
    }
  }
}

function viewOf({ origin, beganAt, size, root, former, lost, link, reason }: LogOrigin): OriginView {
  return {
    origin,
    began_at: beganAt.toISOString(),
    size,
    root_hash: root.toString('hex'),
    former: { origin: former.origin, size: former.size, root_hash: former.root.toString('hex') },
    lost,
    link,
    reason,
  };
}

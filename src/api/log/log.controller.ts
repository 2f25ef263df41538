import { Controller, Get, Param, Res } from '@nestjs/common';
import { z } from 'zod';
import { Checkpoints } from '../../audit/log/checkpoints.js';
import { LogFiles } from '../../audit/log/log-files.js';
import { LogDamaged } from '../../audit/log/log-tree.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { TILE_WIDTH, tileOf, type TileName } from '../../tlog/tile.js';
import { Roles, WholeLog } from '../access/access.js';
import type { ApiReply } from '../http/request.js';
import { Documented } from '../openapi/operation.js';

const keysView = z
  .object({
    items: z.array(
      z.object({
        key: z.string().describe('`name+id+base64`, as verifiers of signed notes read it'),
        version: z.int(),
        created_at: z.iso.datetime(),
      }),
    ),
  })
  .meta({ id: 'LogKeysView' });
type KeysView = z.output<typeof keysView>;

/** The log as public tools read it: https://c2sp.org/tlog-tiles. */
@Controller('log')
export class LogController {
  constructor(
    private readonly checkpoints: Checkpoints,
    private readonly files: LogFiles,
  ) {}

  @Get('checkpoint')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'readCheckpoint',
    tag: 'Audit',
    summary: 'Read the newest signed checkpoint of the log (a C2SP signed note)',
    answer: { mediaType: 'text/plain' },
    errors: ['not_found'],
  })
  async checkpoint(@Res({ passthrough: true }) reply: ApiReply): Promise<string> {
    const newest = await this.checkpoints.newest();
    if (newest === undefined) throw new BrokerError('not_found', { detail: 'the log is not signed yet' });
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-cache');
    return newest.note;
  }

  @Get('keys')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'listLogKeys',
    tag: 'Audit',
    summary: 'List every key that has signed the log, oldest first',
    answer: keysView,
  })
  async keys(): Promise<KeysView> {
    const keys = await this.checkpoints.keys();
    return {
      items: keys.map(({ line, version, createdAt }) => ({
        key: line,
        version,
        created_at: createdAt.toISOString(),
      })),
    };
  }

  @Get('tile/*')
  @Roles('admin', 'auditor')
  @WholeLog()
  @Documented({
    id: 'readTile',
    tag: 'Audit',
    summary: 'Read a tile of hashes (`tile/0/x001/067`) or a bundle of entries (`tile/entries/…`)',
    description: 'Only what the newest checkpoint covers is there. A tile that was served never changes.',
    answer: { mediaType: 'application/octet-stream' },
    errors: ['not_found'],
  })
  async tile(@Param('*') path: string, @Res({ passthrough: true }) reply: ApiReply): Promise<Buffer> {
    const name = tileOf(`tile/${path}`);
    const newest = name && (await this.checkpoints.newest());
    const bytes = name && newest && (await this.read(name, newest.size));
    if (name === undefined || bytes === undefined) throw new BrokerError('not_found');
    const cached = name.width === TILE_WIDTH ? 'private, max-age=31536000, immutable' : 'private, max-age=60';
    void reply.type('application/octet-stream').header('cache-control', cached);
    return bytes;
  }

  /** Entries that were archived, or lost before a new origin, are not here; the tiles above them are. */
  private async read(name: TileName, size: number): Promise<Buffer | undefined> {
    try {
      return await this.files.read(name, size);
    } catch (error) {
      if (error instanceof LogDamaged && name.level === 'entries') return undefined;
      throw error;
    }
  }
}

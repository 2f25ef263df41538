import type { Readable } from 'node:stream';
import { BrokerError } from '../../kernel/broker-error.js';
import { Upload } from '../../gateway/tool/upload.js';

/** How long a body may take that is read as a whole. */
const WHOLE_WITHIN_MS = 30_000;

/**
 * The body of a request that was written for a provider. Nothing of it is read before it is known who sends it and
 * which tool it is for; then it is read as a whole, or passed on as it comes.
 */
export class ProviderBody {
  constructor(
    private readonly source: Readable,
    private readonly lengthBytes: number | undefined,
    private readonly wholeLimitBytes: number,
  ) {}

  /** All of it, empty when there is none. Refuses with `request_too_large`, and with `request_malformed` one that breaks off or takes too long. */
  whole(): Promise<Buffer> {
    if (this.lengthBytes === 0) return Promise.resolve(Buffer.alloc(0));
    if ((this.lengthBytes ?? 0) > this.wholeLimitBytes) throw new BrokerError('request_too_large');
    return new Promise((resolve, reject) => {
      const { source } = this;
      const chunks: Buffer[] = [];
      let bytes = 0;
      const end = (error?: BrokerError): void => {
        clearTimeout(timer);
        source.off('data', take).off('end', end).off('error', broken).off('close', broken);
        source.on('error', () => undefined);
        if (error === undefined) return resolve(Buffer.concat(chunks));
        source.pause();
        reject(error);
      };
      const broken = (): void =>
        end(new BrokerError('request_malformed', { detail: 'The body broke off.', field: '/body' }));
      const take = (chunk: Buffer): void => {
        bytes += chunk.length;
        if (bytes > this.wholeLimitBytes) return end(new BrokerError('request_too_large'));
        chunks.push(chunk);
      };
      const timer = setTimeout(
        () =>
          end(new BrokerError('request_malformed', { detail: 'The body took too long.', field: '/body' })),
        WHOLE_WITHIN_MS,
      );
      source
        .on('data', take)
        .once('end', () => end())
        .once('error', broken)
        .once('close', broken);
    });
  }

  /** It, to be passed on; nothing when there is none. */
  upload(): Upload | undefined {
    return this.lengthBytes === 0 ? undefined : new Upload(this.source, this.lengthBytes);
  }
}

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { connect, type ConnectionOptions } from 'node:tls';
import { DeliveryError } from '../../alert/channel/channel.js';
import type { SinkSettings } from '../../settings/sinks-schema.js';
import type { SinkEvent } from '../sink-event.js';
import { Receiver } from './receiver.js';
import { syslogFrame } from './syslog-message.js';

type SyslogSettings = Extract<SinkSettings, { kind: 'syslog' }>;

/**
 * Syslog over TLS (RFC 5425). The protocol has no answers, and what was written may never have been read. So each batch
 * has a connection of its own that is ended after it: the receiver ends its side when it has read all of ours, and
 * only that counts as taken. Sessions are resumed, which spares most of the handshake.
 */
export class SyslogReceiver extends Receiver {
  #session: Buffer | undefined;

  constructor(private readonly sink: SyslogSettings) {
    super();
  }

  async deliver(events: readonly SinkEvent[], signal: AbortSignal): Promise<void> {
    const sender = { hostname: this.sink.hostname ?? hostOf(), enterpriseId: this.sink.enterpriseId };
    const body = Buffer.concat(events.map((event) => syslogFrame(event, sender)));
    const options = await this.options();
    await new Promise<void>((resolve, reject) => {
      const socket = connect(options);
      const done = { written: false, read: false };
      const fail = (error: unknown): void => {
        this.#session = undefined;
        socket.destroy();
        reject(signal.aborted ? new DeliveryError('the receiver took too long') : reasonOf(error));
      };
      const onAbort = (): void => fail(undefined);
      signal.addEventListener('abort', onAbort, { once: true });
      socket.on('error', fail);
      socket.on('session', (session) => (this.#session = session));
      // Only after all was written: a receiver that ends before has not read everything.
      socket.on('end', () => (done.read = done.written));
      socket.on('close', () => {
        signal.removeEventListener('abort', onAbort);
        if (done.read) resolve();
        else fail(undefined);
      });
      socket.on('secureConnect', () =>
        socket.write(body, (error) => {
          if (error) return;
          done.written = true;
          socket.end();
        }),
      );
      // What a receiver says has no meaning; unread, its end would never be seen.
      socket.resume();
      if (signal.aborted) onAbort();
    });
  }

  private async options(): Promise<ConnectionOptions> {
    const { host, port, serverName, caFile, clientCertFile, clientKeyFile } = this.sink;
    const name = serverName ?? host;
    try {
      return {
        host,
        port,
        minVersion: 'TLSv1.2',
        // An address is no server name (RFC 6066), but the certificate has to have it.
        ...(isIP(name) === 0 ? { servername: name } : {}),
        ...(serverName === undefined ? {} : { servername: serverName }),
        ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
        ...(clientCertFile === undefined ? {} : { cert: await readFile(clientCertFile) }),
        ...(clientKeyFile === undefined ? {} : { key: await readFile(clientKeyFile) }),
        ...(this.#session === undefined ? {} : { session: this.#session }),
      };
    } catch {
      throw new DeliveryError('a certificate file of the sink cannot be read');
    }
  }
}

function hostOf(): string {
  return (
    hostname()
      .replace(/[^!-~]/g, '_')
      .slice(0, 255) || '-'
  );
}

/** By code alone: messages may quote names and certificates. */
function reasonOf(error: unknown): DeliveryError {
  const { code } = (error ?? {}) as { code?: unknown };
  const known = typeof code === 'string' && /^[A-Z0-9_]{2,64}$/.test(code) ? ` (${code})` : '';
  return new DeliveryError(
    error === undefined
      ? 'the receiver closed the connection before it had read everything'
      : `the receiver cannot be reached${known}`,
  );
}

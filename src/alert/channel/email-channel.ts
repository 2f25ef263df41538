import { readFileSync } from 'node:fs';
import { createTransport, type Transporter } from 'nodemailer';
import type { ChannelSettings } from '../../settings/alerts-schema.js';
import type { Notification } from '../notification.js';
import { Channel, DeliveryError } from './channel.js';
import { details, headline, oneLine } from './message-text.js';
import { readSecret } from './secret-source.js';

type EmailSettings = Extract<ChannelSettings, { kind: 'email' }>;

const MAX_SUBJECT_CHARS = 200;

/** E-mail by SMTP, with TLS that is verified unless the settings say that there is none. */
export class EmailChannel extends Channel {
  readonly name: string;
  readonly #ca: Buffer | undefined;

  constructor(
    private readonly channel: EmailSettings,
    private readonly timeoutMs: number,
  ) {
    super();
    this.name = channel.name;
    this.#ca = channel.caFile === undefined ? undefined : readFileSync(channel.caFile);
  }

  async deliver(notification: Notification, signal: AbortSignal): Promise<void> {
    const { from, to } = this.channel;
    const transport = await this.transport();
    const onAbort = (): void => transport.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const { accepted = [] } = await transport.sendMail({
        from,
        to: [...to],
        // The same in every attempt, so that mail programs show a repeated one once.
        messageId: `<${notification.id}@leasegate>`,
        subject: oneLine(headline(notification)).slice(0, MAX_SUBJECT_CHARS),
        text: `${[headline(notification), '', ...details(notification)].join('\n')}\n`,
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      if (accepted.length < to.length)
        throw new DeliveryError('the mail server refused some of the recipients');
    } catch (error) {
      throw error instanceof DeliveryError ? error : new DeliveryError(reasonOf(error));
    } finally {
      signal.removeEventListener('abort', onAbort);
      transport.close();
    }
  }

  private async transport(): Promise<Transporter> {
    const { host, port, tls, username, password, passwordFile } = this.channel;
    const secret = username === undefined ? undefined : await readSecret(password, passwordFile);
    return createTransport({
      host,
      port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      ...(this.#ca === undefined ? {} : { tls: { ca: this.#ca } }),
      ...(secret === undefined || username === undefined
        ? {}
        : { auth: { user: username, pass: secret.expose() } }),
      connectionTimeout: this.timeoutMs,
      greetingTimeout: this.timeoutMs,
      socketTimeout: this.timeoutMs,
    });
  }
}

/** By code alone: messages of mail servers quote what they were sent. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  if (typeof responseCode === 'number') return `the mail server answered ${responseCode}`;
  const known = typeof code === 'string' && /^[A-Z0-9_]{2,64}$/.test(code) ? ` (${code})` : '';
  return `the mail server cannot be used${known}`;
}

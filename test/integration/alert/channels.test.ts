import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import type { Channel } from '../../../src/alert/channel/channel.js';
import { EmailChannel } from '../../../src/alert/channel/email-channel.js';
import { SlackChannel } from '../../../src/alert/channel/slack-channel.js';
import { WebhookChannel } from '../../../src/alert/channel/webhook-channel.js';
import { testNotification, type Notification } from '../../../src/alert/notification.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { channelSchema, type ChannelSettings } from '../../../src/settings/alerts-schema.js';
import { TestCa } from '../../support/certificates.js';
import { startUpstream } from '../../support/upstream.js';
import { startReceiver } from './receiver.js';

const clock = new SystemClock();
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function settingsOf<K extends ChannelSettings['kind']>(input: {
  readonly kind: K;
  readonly [field: string]: unknown;
}): Extract<ChannelSettings, { kind: K }> {
  return channelSchema.parse(input) as Extract<ChannelSettings, { kind: K }>;
}

function notification(labels: Readonly<Record<string, string>> = {}): Notification {
  const test = testNotification(
    '0198c0de-0000-7000-8000-000000000000',
    undefined,
    clock.now(),
    'https://b.example',
  );
  return { ...test, type: 'alert.firing', labels, severity: 'critical', rule: 'shadow-egress', events: 2 };
}

async function deliver(channel: Channel, what = notification()): Promise<string> {
  stops.push(() => channel.close());
  return channel.deliver(what, AbortSignal.timeout(5_000)).then(
    () => 'delivered',
    (error: unknown) => (error as Error).message,
  );
}

function webhook(url: string, more: Readonly<Record<string, unknown>> = {}): WebhookChannel {
  return new WebhookChannel(settingsOf({ kind: 'webhook', name: 'w', url, secret: SECRET, ...more }), clock);
}

describe('receivers that are refused', () => {
  it.each([
    ['plain http', { kind: 'webhook', name: 'w', url: 'http://hooks.example/', secret: SECRET }],
    ['no secret', { kind: 'webhook', name: 'w', url: 'https://hooks.example/' }],
    [
      'two secrets',
      { kind: 'webhook', name: 'w', url: 'https://h.example/', secret: SECRET, secretFile: '/x' },
    ],
    ['no URL', { kind: 'slack', name: 's' }],
    [
      'mail without TLS',
      { kind: 'email', name: 'e', host: 'm.example', tls: 'none', from: 'a@b.example', to: ['c@d.example'] },
    ],
    [
      'a user without a password',
      {
        kind: 'email',
        name: 'e',
        host: 'm.example',
        username: 'u',
        from: 'a@b.example',
        to: ['c@d.example'],
      },
    ],
    ['a name with capitals', { kind: 'log', name: 'Log' }],
  ])('in the settings: %s', (_, input) => {
    expect(channelSchema.safeParse(input).success).toBe(false);
  });

  it.each(['https://127.0.0.1:1/', 'https://[::1]:1/', 'https://169.254.169.254/', 'https://localhost:1/'])(
    'at delivery, unless internal: %s',
    async (url) => {
      expect(await deliver(webhook(url))).toMatch(/public/);
    },
  );

  it('with a certificate of nobody we know', async () => {
    const upstream = await startUpstream();
    stops.push(() => upstream.stop());
    upstream.on('POST', '*', (_, response) => void response.writeHead(204).end());
    expect(await deliver(webhook(`${upstream.origin}/hook`, { internal: true }))).toMatch(
      /cannot be reached/,
    );
    expect(upstream.requests).toHaveLength(0);
    const trusted = webhook(`${upstream.origin}/hook`, { internal: true, caFile: upstream.caFile });
    expect(await deliver(trusted)).toBe('delivered');
  });

  it('when they redirect', async () => {
    const receiver = await startReceiver();
    stops.push(() => receiver.stop());
    receiver.answer(302);
    expect(await deliver(webhook(receiver.url, { internal: true }))).toBe('the receiver answered 302');
    expect(receiver.received).toHaveLength(1);
  });

  it('when the secret is none, without saying it', async () => {
    const receiver = await startReceiver();
    stops.push(() => receiver.stop());
    const message = await deliver(webhook(receiver.url, { internal: true, secret: 'whsec_%%not-base64%%' }));
    expect(message).not.toContain('not-base64');
    expect(
      await deliver(webhook(receiver.url, { internal: true, secret: undefined, secretFile: '/nowhere' })),
    ).toBe('the file with the secret cannot be read');
  });
});

describe('slack', () => {
  it('is sent text in which no label can mention, link or begin a line', async () => {
    const receiver = await startReceiver();
    stops.push(() => receiver.stop());
    const channel = new SlackChannel(
      settingsOf({ kind: 'slack', name: 's', url: receiver.url, internal: true }),
    );
    expect(await deliver(channel, notification({ 'data.host': '<!channel>\n*spoof* & <https://x>' }))).toBe(
      'delivered',
    );
    const { text: sent } = JSON.parse(receiver.received[0]?.body ?? '') as { text: string };
    expect(sent).toContain('*[critical] shadow-egress: This is a test.');
    expect(sent).toContain('data.host: &lt;!channel&gt;  spoof  &amp; &lt;https://x&gt;');
  });
});

describe('e-mail', () => {
  interface Mail {
    readonly to: readonly string[];
    readonly secure: boolean;
    readonly user: string | undefined;
    readonly raw: string;
  }

  async function mailServer(
    options: SMTPServerOptions = {},
  ): Promise<{ port: number; mails: Mail[]; caFile: string }> {
    const ca = new TestCa();
    const mails: Mail[] = [];
    const folder = await mkdtemp(join(tmpdir(), 'leasegate-mail-'));
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, ca.cert);
    const server = new SMTPServer({
      ...ca.issue({ names: ['localhost'] }),
      authOptional: true,
      onAuth: ({ username, password }, _, done) =>
        password === 'open sesame' ? done(null, { user: username ?? '' }) : done(new Error('no')),
      onData(stream, session, done) {
        void text(stream).then((raw: string) => {
          const to = session.envelope.rcptTo.map(({ address }) => String(address));
          mails.push({
            to,
            secure: session.secure,
            user: session.user === undefined ? undefined : String(session.user),
            raw,
          });
          done();
        });
      },
      ...options,
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stops.push(
      () => new Promise((resolve) => void server.close(() => resolve())),
      () => rm(folder, { recursive: true }),
    );
    const { port } = server.server.address() as AddressInfo;
    return { port, mails, caFile };
  }

  const email = (more: Readonly<Record<string, unknown>>): EmailChannel =>
    new EmailChannel(
      settingsOf({
        kind: 'email',
        name: 'e',
        host: 'localhost',
        from: 'leasegate@b.example',
        to: ['on-call@b.example', 'lead@b.example'],
        internal: true,
        ...more,
      }),
      5_000,
    );

  it('is not sent where TLS is missing, not trusted, or the password is wrong', async () => {
    const plain = await mailServer({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] });
    expect(await deliver(email({ port: plain.port, caFile: plain.caFile }))).toMatch(/mail server/);
    const { port, mails, caFile } = await mailServer();
    expect(await deliver(email({ port }))).toMatch(/mail server/);
    const wrong = email({ port, caFile, username: 'u', password: 'wrong word' });
    expect(await deliver(wrong)).toBe('the mail server answered 535');
    expect([...plain.mails, ...mails]).toEqual([]);
  });

  it('is sent over TLS to all, with one message id and no header of a label', async () => {
    const { port, mails, caFile } = await mailServer();
    const channel = email({ port, caFile, username: 'u', password: 'open sesame' });
    const what = notification({ 'data.host': 'x\r\nBcc: eve@evil.example\r\n\r\nhello' });
    expect(await deliver(channel, what)).toBe('delivered');
    expect(mails).toHaveLength(1);
    const [mail] = mails;
    expect(mail).toMatchObject({ to: ['on-call@b.example', 'lead@b.example'], secure: true, user: 'u' });
    expect(mail?.raw).toContain(`Message-ID: <${what.id}@leasegate>`);
    expect(mail?.raw).toMatch(/^Subject: \[critical\] shadow-egress: This is a test\./m);
    expect(mail?.raw).not.toMatch(/^Bcc:/m);
  });

  it('fails when the server refuses a recipient, so that somebody hears of it', async () => {
    const { port, caFile } = await mailServer({
      onRcptTo: ({ address }, _, done) => done(address.startsWith('lead') ? new Error('no such box') : null),
    });
    expect(await deliver(email({ port, caFile }))).toMatch(/refused some/);
  });
});

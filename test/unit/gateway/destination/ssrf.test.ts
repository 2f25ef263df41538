import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isAllowedAddress } from '../../../../src/gateway/destination/address.js';
import { parseHost } from '../../../../src/gateway/destination/host.js';
import { parseOrigin } from '../../../../src/gateway/destination/origin.js';
import { UrlTemplate } from '../../../../src/gateway/tool/url-template.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { outboundParts } from '../../../support/outbound-parts.js';
import { ALLOWED_HOSTS, REFUSED_ANSWERS, REFUSED_HOSTS } from './ssrf-corpus.js';

const outside = { internal: false };

/** Reads a host as a tool's author wrote it, then vets it; every name resolves to a public address. */
async function reach(written: string, internal = false): Promise<readonly string[]> {
  const { origin, host } = parseOrigin(`https://${written}/path`);
  const parts = outboundParts();
  parts.resolver.answer(host.host, ['93.184.215.14']);
  return parts.destinations.vet(new URL(`${origin}/path`), { internal });
}

describe('SSRF corpus', () => {
  it.each(REFUSED_HOSTS)('refuses $kind: $written', async ({ written }) => {
    await expect(reach(written)).rejects.toMatchObject({ code: 'destination_refused' });
  });

  it.each(REFUSED_HOSTS)(
    'never lets a URL parser make something else of $kind: $written',
    async ({ written }) => {
      // Without our reading first: whatever WHATWG makes of it must still be refused, or be a name that is not special.
      if (!URL.canParse(`https://${written}/`)) return;
      const url = new URL(`https://${written}/`);
      const parts = outboundParts();
      const vetted = await parts.destinations.vet(url, outside).catch((error: unknown) => error);
      if (vetted instanceof BrokerError) {
        expect(['destination_refused', 'destination_unresolvable']).toContain(vetted.code);
      } else {
        expect(vetted).toSatisfy((found: string[]) =>
          found.every((address) => isAllowedAddress(address, outside)),
        );
      }
    },
  );

  it.each(REFUSED_HOSTS)('makes no tool that reaches $kind: $written', async ({ written }) => {
    let url: URL;
    try {
      url = UrlTemplate.of(`https://${written}/path`, outside).fill({});
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      return;
    }
    const parts = outboundParts();
    parts.resolver.answer(url.hostname, ['93.184.215.14']);
    await expect(parts.destinations.vet(url, outside)).rejects.toMatchObject({ code: 'destination_refused' });
  });

  it.each(REFUSED_ANSWERS.map((addresses) => ({ addresses })))(
    'refuses a name that resolves to $addresses',
    async ({ addresses }) => {
      const parts = outboundParts();
      parts.resolver.answer('api.example.com', addresses);
      await expect(
        parts.destinations.vet(new URL('https://api.example.com/'), outside),
      ).rejects.toMatchObject({ code: 'destination_refused' });
    },
  );

  it.each(ALLOWED_HOSTS.map(([written, host]) => ({ written, host })))(
    'takes $written',
    async ({ written, host }) => {
      expect(parseOrigin(`https://${written}/path`).host.host).toBe(host);
      expect(await reach(written)).toHaveLength(1);
    },
  );

  afterAll(() => {
    const total = REFUSED_HOSTS.length + REFUSED_ANSWERS.length;
    process.stdout.write(`SSRF corpus: ${total} refused, ${ALLOWED_HOSTS.length} allowed\n`);
  });
});

describe('parseHost', () => {
  it('agrees with the URL parser about everything that it takes, or refuses', () => {
    const piece = fc.constantFrom(
      ...[
        '127',
        '0',
        '1',
        '0x7f',
        '0177',
        '.',
        '..',
        ':',
        '[',
        ']',
        '::',
        'ffff',
        '%',
        '%2e',
        '@',
        '\\',
        'a',
        'xn--',
        '-',
        'ü',
        '\uff0e',
        '\u3002',
        '１',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 9 }), (pieces) => {
        const written = pieces.join('');
        let host: string;
        try {
          const parsed = parseHost(written);
          host = parsed.kind === 'ipv6' ? `[${parsed.host}]` : parsed.host;
        } catch (error) {
          expect(error).toMatchObject({ code: 'destination_refused' });
          return;
        }
        expect(new URL(`https://${host}/`).hostname).toBe(host);
        expect(new URL(`https://${written}/`).hostname.replace(/\.$/, '')).toBe(host);
      }),
      { seed: 4, numRuns: 5_000 },
    );
  });

  it('never repeats what it refuses', () => {
    expect(() => parseHost('user:hunter2@api.example.com')).toThrow(/^((?!hunter2).)*$/);
  });
});

describe('isAllowedAddress', () => {
  it('allows nothing special to IPv4 that is written as IPv6', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffff }), (high, low) => {
        const [a, b] = [high.toString(16), low.toString(16)];
        const embedded = [
          `::${a}:${b}`,
          `::ffff:${a}:${b}`,
          `::ffff:0:${a}:${b}`,
          `64:ff9b::${a}:${b}`,
          `64:ff9b:1::${a}:${b}`,
          `2002:${a}:${b}::`,
          `2001:0:${a}:${b}::1`,
          `2606:4700::5efe:${a}:${b}`,
          `2606:4700::200:5efe:${a}:${b}`,
        ];
        for (const address of embedded)
          expect([address, isAllowedAddress(address, outside)]).toEqual([address, false]);
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  it.each([
    '10.0.0.1',
    '127.0.0.1',
    '::1',
    'fd12::1',
    '100.64.0.1',
    '192.168.1.1',
    '8.8.8.8',
    '2606:4700::1',
  ])('lets internal tools reach %s', (address) => {
    expect(isAllowedAddress(address, { internal: true })).toBe(true);
  });

  it.each([
    '169.254.169.254',
    '169.254.170.2',
    'fd00:ec2::254',
    '100.100.100.200',
    '168.63.129.16',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    'fe80::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '::',
    'ff02::1',
    '192.0.2.1',
    '::10.0.0.1',
  ])('keeps even internal tools from %s', (address) => {
    expect(isAllowedAddress(address, { internal: true })).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { JSON_TYPE, scrubbed, TEXT_TYPE } from './parts.js';

function kinds(text: string): string[] {
  return scrubbed(text, TEXT_TYPE).findings.flatMap(({ kind, count }) => Array<string>(count).fill(kind));
}

describe('what is not found', () => {
  it.each([
    ['a remote of git', 'git@github.com:acme/tool.git'],
    ['the user of a URL', 'https://token@host.example/path'],
    ['a version', 'left-pad@1.3.0'],
    ['an image for dense screens', 'logo@2x.png'],
    ['a card but for its last digit', '4111 1111 1111 1112'],
    ['a card in groups of other sizes', '411 11111 1111 11111'],
    ['digits within a longer number', '94111111111111111'],
    ['the fraction of a number', '0.4111111111111111'],
    ['part of an identifier', 'id_4111111111111111'],
    ['one digit again and again', '4444444444444444'],
    ['an IBAN with wrong check digits', 'DE88370400440532013000'],
    ['an IBAN that is too long', 'DE893704004405320130001'],
    ['a token of GitHub whose checksum is wrong', 'ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18'],
    ['the example of AWS', 'AKIAIOSFODNN7EXAMPLE'],
    ['a name that ends like a prefix', 'disk-abcdefghij0123456789abcdefghij01'],
    ['JSON in base64 that is no token', 'eyJwYWdlIjoyLCJieSI6ImRhdGUifQ'],
    [
      'a public key',
      '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----',
    ],
    ['our own marker', '[redacted:credential] [redacted:key/github]'],
  ])('%s', (_, text) => {
    expect(kinds(text)).toEqual([]);
    expect(scrubbed(text, TEXT_TYPE).text).toBe(text);
  });
});

describe('what is found', () => {
  it.each([
    ['email', 'write to Jane.Doe+x@mail.example.co.uk, please'],
    ['email', 'mailto:jane@example.com?subject=x'],
    ['card', 'card 4111111111111111, exp 12/29'],
    ['card', 'card 4111-1111-1111-1111'],
    ['card', 'card 3782 822463 10005 12/29'],
    ['card', 'card 30569309025904'],
    ['iban', 'to DE89 3704 0044 0532 0130 00 EUR 12'],
    ['iban', 'to GB82WEST12345698765432.'],
    // Published by GitHub's own scanner documentation as revoked.
    ['key/github', 'token=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'],
    ['key/jwt', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.'],
    ['key/private-key', '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEpAIBAAKCAQEA\n'],
  ])('%s: %s', (kind, text) => {
    expect(kinds(text)).toEqual([kind]);
    expect(scrubbed(text, TEXT_TYPE).text).toContain(`[redacted:${kind}]`);
  });

  it('says what was there and leaves the rest as it was', () => {
    expect(scrubbed('from ann@example.com to bob@example.com.', TEXT_TYPE)).toMatchObject({
      text: 'from [redacted:email] to [redacted:email].',
      findings: [{ kind: 'email', count: 2 }],
      blocked: false,
    });
  });

  it('only by the detectors that the tool wants', () => {
    const { text } = scrubbed('ann@example.com 4111111111111111', TEXT_TYPE, {
      spec: { detectors: ['card'] },
    });
    expect(text).toBe('ann@example.com [redacted:card]');
  });
});

describe('JSON', () => {
  it.each([
    ['a number becomes a string', '{"card":4111111111111111}', '{"card":"[redacted:card]"}'],
    ['a key of an object', '{"ann@example.com":1}', '{"[redacted:email]":1}'],
    ['escapes around it stay', '["a\\nann@example.com\\nb"]', '["a\\n[redacted:email]\\nb"]'],
    ['escapes in it go as a whole', '["\\u0061nn\\u0040example.com\\u0021"]', '["[redacted:email]\\u0021"]'],
    [
      'a solidus may be escaped',
      '["https:\\/\\/a.example\\/?q=ann%40example.com"]',
      '["https:\\/\\/a.example\\/?q=[redacted:email]"]',
    ],
    [
      'several lines',
      '{"a":"ann@example.com"}\n{"b":4111111111111111}\n',
      '{"a":"[redacted:email]"}\n{"b":"[redacted:card]"}\n',
    ],
  ])('%s', (_, body, wanted) => {
    expect(scrubbed(body, JSON_TYPE).text).toBe(wanted);
  });

  it('loses a secret that reaches over its marks, and stays JSON', () => {
    const { text } = scrubbed('{"user":"ann","password":"hunter2"}', JSON_TYPE, {
      secrets: ['ann","password":"hunter2'],
    });
    expect(JSON.parse(text)).toEqual({
      user: '[redacted:credential]',
      '[redacted:credential]': '[redacted:credential]',
    });
  });

  it('that is none is text', () => {
    expect(scrubbed('Error: !!hunter2!! is not <known>', JSON_TYPE, { secrets: ['!!hunter2!!'] }).text).toBe(
      'Error: [redacted:credential] is not <known>',
    );
  });
});

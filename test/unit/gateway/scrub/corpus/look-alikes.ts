import { ALPHANUMERIC, DIGITS, HEX, LOWER, UPPER, URL_SAFE, type Draw } from './draw.js';
import { pem, withLuhn, type Maker } from './values.js';

/** What answers are full of and what only looks like something: nothing in it is to be found. By group. */
export const LOOK_ALIKES: Readonly<Record<string, readonly Maker[]>> = {
  identifiers: [
    uuid,
    (draw) => draw.text(HEX, 40),
    (draw) => draw.text(HEX, 64),
    (draw) => `sha256:${draw.text(HEX, 64)}`,
    (draw) => `sha512-${draw.bytes(64).toString('base64')}`,
    (draw) => draw.bytes(16).toString('base64url'),
    (draw) => `${draw.text(UPPER + DIGITS, 26)}`,
    (draw) => `pi_${draw.text(ALPHANUMERIC, 24)}`,
    (draw) => `pk_live_${draw.text(ALPHANUMERIC, 24)}`,
    (draw) => `req_${draw.text(ALPHANUMERIC, 24)}`,
    (draw) => `chatcmpl-${draw.text(ALPHANUMERIC, 29)}`,
    (draw) => `arn:aws:iam::${draw.text(DIGITS, 12)}:role/${draw.words(1)}-${draw.words(1)}`,
    (draw) => `W/"${draw.text(HEX, 32)}"`,
    (draw) => `0x${draw.text(HEX, 40)}`,
  ],
  numbers: [
    (draw) => `17${draw.text(DIGITS, 11)}`,
    (draw) => `17${draw.text(DIGITS, 17)}`,
    (draw) => `1${draw.text(DIGITS, 18)}`,
    (draw) => `+49 ${draw.text(DIGITS, 3)} ${draw.text(DIGITS, 4)} ${draw.text(DIGITS, 4)}`,
    (draw) => `+1-${draw.text(DIGITS, 3)}-${draw.text(DIGITS, 3)}-${draw.text(DIGITS, 4)}`,
    (draw) => `978-${draw.text(DIGITS, 1)}-${draw.text(DIGITS, 4)}-${draw.text(DIGITS, 4)}-${draw.text(DIGITS, 1)}`,
    (draw) => `0.4${draw.text(DIGITS, 15)}`,
    (draw) => `-12.5${draw.text(DIGITS, 14)}`,
    (draw) => `2026-11-${10 + draw.below(20)} 0${draw.below(10)}:15:00`,
    (draw) => `${draw.text(DIGITS, 4)} ${draw.text(DIGITS, 4)} ${draw.text(DIGITS, 4)}`,
    (draw) => `${draw.text(DIGITS, 13)}`,
    (draw) => `DE${draw.text(DIGITS, 9)}`,
    (draw) => `192.168.${draw.below(256)}.${draw.below(256)}`,
    (draw) => Array.from({ length: 6 }, () => draw.text(HEX, 2)).join(':'),
    (draw) => Array.from({ length: 8 }, () => draw.text(HEX, 4)).join(':'),
  ],
  // As many digits as a card, and often its first one: nine in ten fail the check digit, the tenth looks like a card.
  'numbers of sixteen digits': [(draw) => draw.text(DIGITS, 16), (draw) => String(1 + draw.below(9)) + draw.text(DIGITS, 15)],
  'cards but for the check digit': [
    (draw) => broken(withLuhn(`4${draw.text(DIGITS, 14)}`)),
    (draw) => broken(withLuhn(`51${draw.text(DIGITS, 13)}`)),
    (draw) => broken(withLuhn(`37${draw.text(DIGITS, 12)}`)),
  ],
  'IBANs but for the check digits': [
    (draw) => `DE00${draw.text(DIGITS, 18)}`,
    (draw) => `GB99 ${draw.text(UPPER, 4)} ${draw.text(DIGITS, 4)} ${draw.text(DIGITS, 4)} ${draw.text(DIGITS, 4)} ${draw.text(DIGITS, 2)}`,
    (draw) => `FR01${draw.text(DIGITS, 20)}`,
  ],
  'at signs': [
    (draw) => `git@github.com:${draw.words(1)}/${draw.words(1)}.git`,
    (draw) => `https://x-access-token@github.com/${draw.words(1)}`,
    (draw) => `${draw.words(1)}@${draw.below(10)}.${draw.below(20)}.${draw.below(20)}`,
    (draw) => `@${draw.words(1)}/${draw.words(1)}@^${draw.below(10)}.0.0`,
    (draw) => `actions/${draw.words(1)}@v${draw.below(9)}`,
    (draw) => `icon-${draw.words(1)}@2x.png`,
    (draw) => `@${draw.words(1)} and @${draw.words(1)}`,
    (draw) => `${draw.words(1)}@${draw.text(HEX, 8)}`,
    (draw) => `registry.example.com/${draw.words(1)}@sha256:${draw.text(HEX, 64)}`,
    (draw) => `@app.route("/${draw.words(1)}")`,
    (draw) => `${draw.words(1)}@localhost`,
    () => '{{user}}@{{domain}}',
    () => 'name@ example . com',
  ],
  'key placeholders': [
    () => `ghp_${'x'.repeat(36)}`,
    (draw) => `ghp_${draw.text(ALPHANUMERIC, 36)}`,
    (draw) => `npm_${draw.text(ALPHANUMERIC, 36)}`,
    () => 'AKIAIOSFODNN7EXAMPLE',
    () => 'sk-your-api-key-goes-here-0000000000000000',
    () => 'sk_test_xxxxxxxxxxxxxxxxxxxxxxxx',
    () => 'sk_live_<your key>',
    (draw) => `task-${draw.words(6).replaceAll(' ', '-')}`,
    (draw) => `sk-${draw.words(6).replaceAll(' ', '-')}`,
    () => 'xoxb-your-token-here-for-slack-workspace',
    () => 'hvs.your_token_goes_here_for_vault_please',
    () => 'glpat-xxxxxxxxxxxxxxxxxxxx',
    () => 'AIzaSyXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX',
    (draw) => `eyJ${draw.text(URL_SAFE, 40)}`,
    (draw) => `eyJ${draw.text(URL_SAFE, 20)}.${draw.text(URL_SAFE, 20)}.${draw.text(URL_SAFE, 43)}`,
    () => '[redacted:key/github]',
  ],
  'public keys and data': [
    (draw) => pem('CERTIFICATE', draw.bytes(400)),
    (draw) => pem('PUBLIC KEY', draw.bytes(91)),
    (draw) => `data:image/png;base64,${draw.bytes(600).toString('base64')}`,
    (draw) => `ssh-ed25519 ${draw.bytes(51).toString('base64')} ${draw.words(1)}`,
    (draw) => Buffer.from(JSON.stringify({ after: draw.below(1e6), by: draw.words(2) })).toString('base64'),
    (draw) => Buffer.from(draw.words(20)).toString('base64'),
  ],
  prose: [
    (draw) => `${draw.words(30)}.`,
    (draw) => `THE ${draw.words(12).toUpperCase()} OF ${draw.below(3000)} - ${draw.words(4).toUpperCase()}`,
    (draw) => `SELECT id, ${draw.words(1)} FROM ${draw.words(1)} WHERE id IN (${Array.from({ length: 12 }, () => draw.below(9_999)).join(', ')})`,
    (draw) => `function ${draw.text(LOWER, 1)}(${draw.text(LOWER, 1)}){return ${draw.text(LOWER, 1)}%7?"&${draw.words(1)};":'\\${draw.words(1)}'}`,
    (draw) => `C:\\${draw.words(1)}\\new\\${draw.words(1)}.txt 100% of ${draw.words(1)} & ${draw.words(1)}`,
    (draw) => `/v1/${draw.words(1)}/${uuid(draw)}/${draw.words(1)}?a=1&b=2&copy=${draw.below(9)}`,
    (draw) => `.sk-circle-${draw.words(1)} { animation: sk-fade-delay 1.2s }`,
  ],
}; // prettier-ignore

function uuid(draw: Draw): string {
  return `${draw.text(HEX, 8)}-${draw.text(HEX, 4)}-4${draw.text(HEX, 3)}-a${draw.text(HEX, 3)}-${draw.text(HEX, 12)}`;
}

function broken(digits: string): string {
  return digits.slice(0, -1) + String((Number(digits.at(-1)) + 1) % 10);
}

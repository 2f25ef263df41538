import { describe, expect, it } from 'vitest';
import { BrowserChecks } from '../../../../src/api/mcp/browser-checks.js';
import { settingsSchema } from '../../../../src/settings/schema.js';

function checksFor(server: Record<string, unknown>, mcp: Record<string, unknown> = {}): BrowserChecks {
  const { shape } = settingsSchema;
  return new BrowserChecks({ server: shape.server.parse(server), mcp: shape.mcp.parse(mcp) });
}

function refusalOf(checks: BrowserChecks, headers: { host?: string; origin?: string }): string | undefined {
  try {
    checks.check(headers);
    return undefined;
  } catch (error) {
    return (error as { field?: string }).field;
  }
}

const open = { host: '0.0.0.0', publicUrl: 'https://leasegate.example/' };

describe('requests that a browser was tricked into', () => {
  it.each([
    undefined,
    '',
    'evil.example',
    'evil.example:8480',
    'leasegate.example.evil.example',
    'evil@leasegate.example',
    'leasegate.example/x',
    'localhost',
    '127.0.0.1:8480',
    '[::1',
  ])('are refused by Host %s', (host) => {
    expect(refusalOf(checksFor(open), host === undefined ? {} : { host })).toBe('host');
  });

  it.each(['https://evil.example', 'http://leasegate.example', 'https://leasegate.example:444', 'null', ''])(
    'are refused by Origin %s',
    (origin) => {
      expect(refusalOf(checksFor(open), { host: 'leasegate.example', origin })).toBe('origin');
    },
  );
});

describe('others', () => {
  it('pass under the public name, by any port and case', () => {
    for (const host of ['leasegate.example', 'LeaseGate.example:443', 'leasegate.example:8480'])
      expect(refusalOf(checksFor(open), { host })).toBeUndefined();
  });

  it('pass by every name of this machine where the broker listens there alone', () => {
    const checks = checksFor({ host: '::1' });
    for (const host of ['localhost:1', '127.0.0.1:1', '[::1]:1'])
      expect(refusalOf(checks, { host })).toBeUndefined();
  });

  it('pass where an operator says so', () => {
    const checks = checksFor(open, {
      allowedHosts: ['leasegate.internal'],
      allowedOrigins: ['https://app.example', 'vscode-webview://abc'],
    });
    for (const origin of ['https://app.example', 'vscode-webview://abc', 'https://leasegate.example'])
      expect(refusalOf(checks, { host: 'leasegate.internal:8480', origin })).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { tokenRequestOf, TOKEN_EXCHANGE } from '../../../src/api/oauth/token-form.js';

const URL = 'https://leasegate.example';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const GOOD = { grant_type: TOKEN_EXCHANGE, subject_token: 'a.b.c', subject_token_type: JWT };

function read(
  fields: Record<string, string>,
  ...more: [string, string][]
): ReturnType<typeof tokenRequestOf> {
  return tokenRequestOf(new URLSearchParams([...Object.entries(fields), ...more]), URL);
}

describe('a token request that is refused', () => {
  it.each([
    ['nothing', {}, 'request_malformed'],
    ['no grant type', { ...GOOD, grant_type: '' }, 'request_malformed'],
    ['another grant type', { ...GOOD, grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['no subject token', { ...GOOD, subject_token: '' }, 'request_malformed'],
    ['no token type', { ...GOOD, subject_token_type: '' }, 'request_malformed'],
    [
      'a SAML token',
      { ...GOOD, subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
      'subject_token_type_refused',
    ],
    ['an actor token', { ...GOOD, actor_token: 'x' }, 'request_malformed'],
    [
      'a refresh token',
      { ...GOOD, requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'request_malformed',
    ],
    ['another resource', { ...GOOD, resource: 'https://other.example' }, 'target_refused'],
    ['another audience', { ...GOOD, audience: 'other' }, 'target_refused'],
    ['another path', { ...GOOD, resource: `${URL}/v1` }, 'target_refused'],
  ])('has %s', (_, fields, code) => {
    expect(() => read(fields as Record<string, string>)).toThrow(expect.objectContaining({ code }));
  });

  it.each(['grant_type', 'subject_token', 'subject_token_type', 'scope', 'run_id', 'client_id'])(
    'has %s twice',
    (name) => {
      const fields: Record<string, string> = {
        ...GOOD,
        [name]: (GOOD as Record<string, string>)[name] ?? 'x',
      };
      expect(() => read(fields, [name, 'other'])).toThrow(
        expect.objectContaining({ code: 'request_malformed', field: name }),
      );
    },
  );

  it('has one good and one foreign resource', () => {
    expect(() => read({ ...GOOD, resource: URL }, ['resource', 'https://other.example'])).toThrow(
      expect.objectContaining({ code: 'target_refused' }),
    );
  });

  it('has more parameters than anybody needs', () => {
    const many = Array.from({ length: 40 }, (_, index): [string, string] => [`p${index}`, '1']);
    expect(() => read(GOOD, ...many)).toThrow(expect.objectContaining({ code: 'request_malformed' }));
  });
});

describe('a token request that is taken', () => {
  it('has the least', () => {
    expect(Object.keys(read(GOOD))).toEqual(['subjectToken']);
    expect(read(GOOD).subjectToken.expose()).toBe('a.b.c');
  });

  it('repeats resource and audience, and has what generic clients send', () => {
    const request = read(
      {
        ...GOOD,
        resource: `${URL}/`,
        audience: URL,
        client_id: 'anything',
        scope: 'credential:db',
        run_id: 'r',
        step_id: 's',
      },
      ['resource', URL],
    );
    expect(request).toMatchObject({ scope: 'credential:db', runId: 'r', stepId: 's' });
  });

  it('names the MCP endpoint as its resource, which is this server, too', () => {
    expect(() => read({ ...GOOD, resource: `${URL.replace(/\/$/, '')}/mcp` })).not.toThrow();
  });
});

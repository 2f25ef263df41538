import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { QueryFailedError } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { challengeOf } from '../../../src/api/problem/challenge.js';
import { classify } from '../../../src/api/problem/classify.js';
import { invalidRequest } from '../../../src/api/problem/invalid-request.js';
import { oauthErrorOf } from '../../../src/api/problem/oauth-error.js';
import { problemOf } from '../../../src/api/problem/problem.js';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import { ERROR_CODES, type ErrorCode } from '../../../src/kernel/error-codes.js';

const MARK = 'internal-marker';
const URL = 'https://leasegate.example/';

function driverError(code: string): QueryFailedError {
  return new QueryFailedError(`SELECT '${MARK}'`, [MARK], Object.assign(new Error(MARK), { code }));
}

describe('what was thrown', () => {
  it.each<[string, unknown, ErrorCode]>([
    ['a bug', new TypeError(MARK), 'internal_error'],
    ['text', MARK, 'internal_error'],
    ['nothing', undefined, 'internal_error'],
    ['a violated constraint', driverError('23505'), 'internal_error'],
    ['a server that is stopping', driverError('57P01'), 'database_unavailable'],
    ['a session that stood still in a transaction', driverError('25P03'), 'database_unavailable'],
    ['too many connections', driverError('53300'), 'database_unavailable'],
    ['a broken connection', driverError('08006'), 'database_unavailable'],
    ['a refused connection', driverError('ECONNREFUSED'), 'database_unavailable'],
    ['a lost connection', new Error('Connection terminated unexpectedly'), 'database_unavailable'],
    ['an exhausted pool', new Error('timeout exceeded when trying to connect'), 'database_unavailable'],
    ['a deadlock', driverError('40P01'), 'overloaded'],
    ['a statement that took too long', driverError('57014'), 'overloaded'],
    [
      'a refused socket of somebody else',
      Object.assign(new Error(MARK), { code: 'ECONNREFUSED' }),
      'internal_error',
    ],
    ['a path of nobody', new NotFoundException(MARK), 'not_found'],
    ['a body that the framework refused', new BadRequestException(MARK), 'request_malformed'],
    ['a body that is too large', new HttpException(MARK, 413), 'request_too_large'],
    [
      'a type that is not taken',
      Object.assign(new Error(MARK), { statusCode: 415 }),
      'media_type_unsupported',
    ],
    ['a status that nobody knows', new HttpException(MARK, 418), 'internal_error'],
    ['our own refusal', new BrokerError('name_taken', { internal: MARK }), 'name_taken'],
  ])('%s is answered without its text', (_, thrown, code) => {
    const error = classify(thrown);
    expect(error.code).toBe(code);
    expect(JSON.stringify(problemOf(error, 'reference', URL))).not.toContain(MARK);
    expect(JSON.stringify(oauthErrorOf(error, 'reference', URL))).not.toContain(MARK);
  });
});

describe('a problem', () => {
  it('names every field at fault under the name that was sent, and no value', () => {
    const error = invalidRequest([
      { message: 'is wrong', path: ['credentials', 0, 'name'] },
      { message: 'Unrecognized', path: [], keys: ['a', 'b'] },
    ]);
    expect(problemOf(error, 'reference', URL)).toMatchObject({
      type: 'https://leasegate.example/problems/request_invalid',
      status: 422,
      reference: 'reference',
      field: 'credentials.0.name',
      errors: [{ field: 'credentials.0.name' }, { field: 'a' }, { field: 'b' }],
    });
  });

  it('turns names of the domain into those of the API, and leaves claims alone', () => {
    const field = (name: string): unknown =>
      problemOf(new BrokerError('request_invalid', { field: name }), 'r', URL).field;
    expect(field('/run/runIdClaim')).toBe('/run/run_id_claim');
    expect(field('/workload/claims/runIdClaim')).toBe('/workload/claims/runIdClaim');
    expect(field('grant')).toBe('grant');
  });
});

describe('an OAuth error', () => {
  it('is one of the RFCs for every code, with a description that they allow', () => {
    const names = new Set<string>();
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const { status, body } = oauthErrorOf(
        new BrokerError(code, { detail: 'a "quoted" – detail' }),
        'r',
        URL,
      );
      names.add(body.error);
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(body.error_description, code).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
    }
    expect([...names].sort()).toEqual([
      'invalid_dpop_proof',
      'invalid_request',
      'invalid_scope',
      'invalid_target',
      'server_error',
      'temporarily_unavailable',
      'unsupported_grant_type',
    ]);
  });

  it.each<[ErrorCode, number]>([
    ['token_expired', 400],
    ['grant_not_found', 400],
    ['run_limit_reached', 429],
    ['issuer_unavailable', 503],
    ['media_type_unsupported', 415],
  ])('%s has status %i', (code, status) => {
    expect(oauthErrorOf(new BrokerError(code), 'r', URL).status).toBe(status);
  });
});

describe('a challenge', () => {
  const METADATA = 'resource_metadata="https://leasegate.example/.well-known/oauth-protected-resource"';
  it.each<[ErrorCode, string | undefined]>([
    ['authentication_required', `Bearer realm="leasegate", ${METADATA}`],
    [
      'token_expired',
      `Bearer realm="leasegate", error="invalid_token", error_description="token_expired", ${METADATA}`,
    ],
    ['role_required', `Bearer realm="leasegate", error="insufficient_scope", ${METADATA}`],
    ['proof_required', `DPoP realm="leasegate", algs="ES256 EdDSA", error="invalid_dpop_proof", ${METADATA}`],
    ['not_found', undefined],
  ])('of %s', (code, challenge) => {
    expect(challengeOf(new BrokerError(code), URL)).toBe(challenge);
  });
});

import { ERROR_CODES } from '../../kernel/error-codes.js';
import { oauthErrorName } from '../problem/oauth-error.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { ErrorCode } from '../../kernel/error-codes.js';

/** The catalogue of error codes as Markdown. */
export function errorsReference(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, title }]) =>
      `| \`${code}\` | ${status} | \`${oauthErrorName(new BrokerError(code as ErrorCode))}\` | ${title} |`,
  );
  return `# Errors

Generated from \`src/kernel/error-codes.ts\`; do not edit.

Every refusal and failure is answered as \`application/problem+json\` (RFC 9457) with a stable \`code\` and a
\`reference\` that is also in the log and in the event. The OAuth endpoints answer RFC 6749 errors with the same two
members beside \`error\`; there, what is 4xx here is 400, but for 404, 405, 413, 415 and 429.

| code | status | OAuth error | what it says |
|---|---|---|---|
${rows.join('\n')}
`;
}

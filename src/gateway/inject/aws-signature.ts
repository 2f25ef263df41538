import aws4 from 'aws4';
import { Secret } from '../../kernel/secret.js';
import type { OutboundRequest } from '../destination/outbound-request.js';
import { headerField, type CredentialFields } from './field.js';
import type { Addition } from './injected.js';
import type { Way } from './plain-secrets.js';

/** Written by the transport after signing. */
const SET_LATER: readonly string[] = ['accept-encoding', 'host', 'content-length'];

/** What the signer takes besides what its types say. */
type Signing = aws4.Request & { readonly extraHeadersToIgnore: Readonly<Record<string, boolean>> };

/**
 * AWS Signature Version 4 in the `Authorization` header
 * (docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html), over the address, the body's digest and every
 * header that the tool declares.
 */
export function awsSignature(
  spec: Way<'aws-sigv4'>,
  fields: CredentialFields,
  request: OutboundRequest,
  now: Date,
): Addition {
  const accessKeyId = headerField(fields, spec.access_key_field);
  const secretAccessKey = headerField(fields, spec.secret_key_field);
  const sessionToken =
    spec.session_token_field === undefined ? undefined : headerField(fields, spec.session_token_field);
  const signing: Signing = {
    service: spec.service,
    region: spec.region,
    method: request.method,
    host: request.url.host,
    path: `${request.url.pathname}${request.url.search}`,
    headers: { ...withoutSetLater(request.headers), 'X-Amz-Date': amzDate(now) },
    ...(request.body !== undefined && { body: request.body }),
    // Signing the length would say nothing that the digest does not.
    extraHeadersToIgnore: { 'content-length': true },
  };
  const signed = aws4.sign(signing, {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
  });
  const headers = headersOf(signed.headers);
  const signature = /Signature=([0-9a-f]{64})$/.exec(headers['authorization'] ?? '')?.[1];
  return {
    headers,
    secrets: [secretAccessKey, sessionToken, signature]
      .flatMap((text) => text ?? [])
      .map((text) => Secret.of(text)),
  };
}

function headersOf(signed: aws4.Request['headers']): Record<string, string> {
  const lowered = Object.entries(signed ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return withoutSetLater(Object.fromEntries(lowered) as Record<string, string>);
}

function withoutSetLater(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SET_LATER.includes(name)));
}

/** A moment as `x-amz-date` has it: `20150830T123600Z`. */
function amzDate(now: Date): string {
  return `${now.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

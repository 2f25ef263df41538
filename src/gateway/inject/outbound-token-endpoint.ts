import { Injectable } from '@nestjs/common';
import { BrokerError } from '../../kernel/broker-error.js';
import { Secret } from '../../kernel/secret.js';
import { Outbound } from '../destination/outbound.js';
import type { OutboundResponse } from '../destination/outbound-request.js';
import { TokenEndpoint, type Reach, type TokenAnswer } from './token-endpoint.js';

const TIMEOUT_MS = 10_000;
const MOST_BYTES = 65_536;

/** Token endpoints over the gateway's own way out: vetted, verified, no redirects. */
@Injectable()
export class OutboundTokenEndpoint extends TokenEndpoint {
  constructor(private readonly outbound: Outbound) {
    super();
  }

  async post(
    url: URL,
    basic: Secret,
    form: Readonly<Record<string, string>>,
    { internal, caFile }: Reach,
  ): Promise<TokenAnswer> {
    const response = await this.outbound.send(
      {
        method: 'POST',
        url,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          authorization: `Basic ${basic.expose()}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: Buffer.from(new URLSearchParams(form).toString(), 'utf8'),
        secrets: [basic],
        clientCertificate: undefined,
      },
      {
        internal,
        caFile,
        redirects: [],
        timeoutMs: TIMEOUT_MS,
        // Many calls may wait for the one token, so no single caller's giving up ends it.
        signal: new AbortController().signal,
        retries: 0,
      },
    );
    return { status: response.status, json: Secret.of(jsonOf(await bodyOf(response))) };
  }
}

async function bodyOf({ body }: OutboundResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES)
      throw new BrokerError('upstream_response_refused', {
        detail: 'the answer of the token endpoint is too long',
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Undefined for what is no JSON: no token either. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

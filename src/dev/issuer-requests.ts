import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { IssuerKeys } from './issuer-keys.js';

const BODY_LIMIT_BYTES = 65_536;

/** Reads a small request body. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) throw new Error('the request body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads an `application/x-www-form-urlencoded` body. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams(await readBody(request));
}

const wantedToken = z.strictObject({
  claims: z.record(z.string(), z.unknown()),
  audience: z.union([z.string(), z.array(z.string())]).optional(),
  lifetime_seconds: z.number().int().optional(),
  algorithm: z.enum(['ES256', 'RS256']).optional(),
});

/**
 * `POST /dev/token` with `{ claims, audience?, lifetime_seconds?, algorithm? }` makes a workload's token, as a
 * platform would: this issuer's stand-in for Kubernetes, CI and the like. Whoever reaches the port may ask. The
 * answer is `{ token }`, or the token alone for `Accept: text/plain`.
 */
export async function answerTokenRequest(
  keys: IssuerKeys,
  issuer: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let wanted;
  try {
    wanted = wantedToken.parse(JSON.parse(await readBody(request)));
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error) : 'the body is not JSON';
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: problem }));
    return;
  }
  const { claims, audience, lifetime_seconds: lifetimeSeconds, algorithm } = wanted;
  const token = await keys.sign(issuer, claims, {
    ...(audience === undefined ? {} : { audience }),
    ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
    ...(algorithm === undefined ? {} : { algorithm }),
  });
  const plain = request.headers.accept === 'text/plain';
  response.writeHead(200, {
    'content-type': plain ? 'text/plain' : 'application/json',
    'cache-control': 'no-store',
  });
  response.end(plain ? token : JSON.stringify({ token }));
}

import type { Pool } from 'undici';

/** What a call sends beside its path. */
export interface JsonCallBody {
  readonly json?: object;
  readonly form?: URLSearchParams;
}

/** Makes one call and answers its JSON, `{}` for none; throws with the status and the text when it is refused. */
export type JsonCall = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: JsonCallBody,
) => Promise<Record<string, unknown>>;

/** Calls through a pool of connections, as cheap as they come: what is measured is the other side. */
export function jsonCallOf(pool: Pool): JsonCall {
  return async (method, path, headers, body) => {
    const [type, text] =
      body?.json !== undefined
        ? ['application/json', JSON.stringify(body.json)]
        : body?.form !== undefined
          ? ['application/x-www-form-urlencoded', body.form.toString()]
          : [undefined, undefined];
    const answer = await pool.request({
      method,
      path,
      headers: { ...headers, ...(type !== undefined && { 'content-type': type }) },
      ...(text !== undefined && { body: text }),
    });
    const said = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path} answered ${answer.statusCode}: ${said}`);
    return (said === '' ? {} : JSON.parse(said)) as Record<string, unknown>;
  };
}

/** Exchanges a platform token for a run token of a run. */
export async function exchanged(call: JsonCall, jwt: string, runId: string): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: jwt,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    run_id: runId,
    step_id: 'bench',
  });
  return String((await call('POST', '/oauth2/token', {}, { form }))['access_token']);
}

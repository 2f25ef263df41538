/** Calls Vault's API with an operator's token, to set up what an operator of a real Vault has set up already. */
export class VaultOperator {
  constructor(
    readonly address: string,
    readonly token: string,
  ) {}

  /** Answers the `data` of the answer, empty where there is none; throws on any status but success. */
  async call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'LIST',
    path: string,
    body?: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': this.token, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    const answer = (text === '' ? {} : JSON.parse(text)) as {
      data?: Record<string, unknown> | null;
      errors?: string[];
    };
    if (!response.ok) {
      throw new Error(`Vault answered ${response.status} to ${method} ${path}: ${answer.errors?.join('; ')}`);
    }
    return answer.data ?? {};
  }
}

import type { Secret } from '../../kernel/secret.js';
import { dataAnswer, listAnswer, readAnswer } from '../answers.js';
import type { VaultClient } from '../vault-client.js';
import { VaultError } from '../vault-error.js';

/** Vault as the operator sees it, with the operator's own token; the broker never has one of these. */
export class OperatorVault {
  constructor(
    private readonly client: VaultClient,
    private readonly token: Secret,
  ) {}

  /** The data of a path, or undefined when nothing is there. */
  async read(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const answer = await this.#unlessMissing('operator_read', 'GET', path);
    return answer === undefined ? undefined : readAnswer(dataAnswer, answer, 'operator_read').data;
  }

  /** The keys below a path; empty when nothing is there. */
  async list(path: string): Promise<readonly string[]> {
    const answer = await this.#unlessMissing('operator_list', 'LIST', path);
    return answer === undefined ? [] : readAnswer(listAnswer, answer, 'operator_list').data.keys;
  }

  /** Writes, and answers what Vault answered. */
  async write(path: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.client.call({ operation: 'operator_write', method: 'POST', path, token: this.token, body });
  }

  async delete(path: string): Promise<void> {
    await this.client.call({ operation: 'operator_delete', method: 'DELETE', path, token: this.token });
  }

  async #unlessMissing(operation: string, method: 'GET' | 'LIST', path: string): Promise<unknown> {
    try {
      return await this.client.call({ operation, method, path, token: this.token });
    } catch (error) {
      if (error instanceof VaultError && error.httpStatus === 404) return undefined;
      throw error;
    }
  }
}

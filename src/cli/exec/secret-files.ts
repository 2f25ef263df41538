import { open, rm } from 'node:fs/promises';
import { usageError } from '../cli-error.js';

/**
 * Files that hold secrets while a command runs: made anew (an existing file, or a link that somebody put there, is
 * refused), readable by this user alone, removed at the end. A process that is killed leaves them behind, so keep them
 * on a tmpfs.
 */
export class SecretFiles {
  readonly #paths: string[] = [];

  async write(path: string, text: string): Promise<void> {
    let file;
    try {
      file = await open(path, 'wx', 0o600);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EEXIST')
        throw usageError(
          `${path} exists already, and exec overwrites nothing.`,
          'Remove it, or name another path.',
        );
      throw error;
    }
    this.#paths.push(path);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  }

  /** Removes all of them; answers those that could not be. */
  async remove(): Promise<readonly string[]> {
    const results = await Promise.allSettled(this.#paths.map((path) => rm(path, { force: true })));
    return this.#paths.filter((_path, index) => results[index]?.status === 'rejected');
  }
}

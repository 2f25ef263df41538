import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { usageError } from '../cli-error.js';

/**
 * Files that hold secrets while a command runs: made anew (an existing file, or a link that somebody put there, is
 * refused), readable by this user alone, removed at the end. A process that is killed leaves them behind, so keep them
 * on a tmpfs.
 */
export class SecretFiles {
  readonly #paths = new Set<string>();

  /** Makes the file. Refuses as a usage error when there is one. */
  async write(path: string, text: string): Promise<void> {
    try {
      await this.#create(path, text);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EEXIST')
        throw usageError(
          `${path} exists already, and exec overwrites nothing.`,
          'Remove it, or name another path.',
        );
      throw error;
    }
  }

  /** Replaces a file that {@link write} made: whoever reads it sees the old text or the new one, whole. */
  async replace(path: string, text: string): Promise<void> {
    const fresh = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
    await this.#create(fresh, text);
    await rename(fresh, path);
    this.#paths.delete(fresh);
  }

  /** Removes all of them; answers those that could not be. */
  async remove(): Promise<readonly string[]> {
    const paths = [...this.#paths];
    const results = await Promise.allSettled(paths.map((path) => rm(path, { force: true })));
    return paths.filter((_path, index) => results[index]?.status === 'rejected');
  }

  async #create(path: string, text: string): Promise<void> {
    const file = await open(path, 'wx', 0o600);
    this.#paths.add(path);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  }
}

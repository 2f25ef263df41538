import type { HeldCredential } from '../../sdk/held-credential.js';
import type { SupervisedChild } from './supervised-child.js';
import type { OnRotate } from './on-rotate.js';

/** What follows a replacement. */
export interface RotationParts {
  readonly onRotate: OnRotate;
  readonly child: SupervisedChild;
  /** Writes the files anew with the credentials of now; answers the environment that belongs to them. */
  readonly render: () => Promise<NodeJS.ProcessEnv>;
  readonly onFailure: (error: unknown) => void;
}

const RETRY_MS = 1_000;
/** With this share of its life left, a credential may be about to be replaced (a third is its shortest use). */
const ELDERLY = 0.7;
const LONGEST_COMPANY_MS = 3_000;

/**
 * Hands replaced credentials to a running command, one handover at a time: files first, then the signal or the restart.
 * Replacements that come meanwhile are handed over together; before a restart, credentials that are
 * about a third through their life are replaced too. Files that cannot be written are tried again each second.
 */
export class Rotations {
  readonly #credentials: HeldCredential[] = [];
  #dirty = false;
  #work: Promise<void> | undefined;
  #stopped = false;

  constructor(private readonly parts: RotationParts) {}

  follow(credential: HeldCredential): void {
    this.#credentials.push(credential);
    credential.on('rotated', () => {
      this.#dirty = true;
      this.#begin();
    });
  }

  /** Ends it, after the handover under way: a file that is written later would be left behind. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  #begin(): void {
    this.#work ??= this.#handOver().finally(() => {
      this.#work = undefined;
      if (this.#dirty && !this.#stopped) this.#begin();
    });
  }

  /**
   * One restart for all that would ask for one soon. What fails here says so itself and is tried again by itself; it is
   * not waited for until what was replaced already has lost its old credential.
   */
  async #rotateElderly(): Promise<void> {
    const elderly = this.#credentials.filter(({ lease }) => lease.longestMs < lease.lifeMs * ELDERLY);
    if (elderly.length === 0) return;
    const all = Promise.allSettled(elderly.map((credential) => credential.rotate()));
    await Promise.race([all, pause(LONGEST_COMPANY_MS)]);
  }

  async #handOver(): Promise<void> {
    const { render, onRotate, child, onFailure } = this.parts;
    while (this.#dirty && !this.#stopped) {
      if (onRotate.kind === 'restart') await this.#rotateElderly();
      this.#dirty = false;
      try {
        const environment = await render();
        if (onRotate.kind === 'signal') child.tell(onRotate.signal);
        else if (onRotate.kind === 'restart') await child.replace(environment);
      } catch (error) {
        onFailure(error);
        this.#dirty = true;
        await pause(RETRY_MS);
      }
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}

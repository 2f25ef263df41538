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

/**
 * Hands replaced credentials to a running command, one handover at a time: files first, then the signal or the restart.
 * Replacements that come meanwhile are handed over together. Files that cannot be written are tried again each second.
 */
export class Rotations {
  #dirty = false;
  #work: Promise<void> | undefined;
  #stopped = false;

  constructor(private readonly parts: RotationParts) {}

  follow(credential: HeldCredential): void {
    credential.on('rotated', () => {
      this.#dirty = true;
      this.#work ??= this.#handOver().finally(() => {
        this.#work = undefined;
      });
    });
  }

  /** Ends it, after the handover under way: a file that is written later would be left behind. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #handOver(): Promise<void> {
    const { render, onRotate, child, onFailure } = this.parts;
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      try {
        const environment = await render();
        if (onRotate.kind === 'signal') child.tell(onRotate.signal);
        else if (onRotate.kind === 'restart') await child.replace(environment);
      } catch (error) {
        onFailure(error);
        this.#dirty = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }
}

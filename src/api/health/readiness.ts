import { Injectable } from '@nestjs/common';
import { Clock } from '../../kernel/clock.js';
import { safeErrorText } from '../../kernel/safe-error.js';
import { Probes, type Probe, type ProbeResult } from './probe.js';

/** A probe that takes longer has failed: whoever asks `/readyz` waits no longer either. */
const PROBE_TIMEOUT_MS = 3_000;
/** An answer this fresh is given again: a crowd of probes must not become load on what they probe. */
const FRESH_MS = 500;

/** How the broker is. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, ProbeResult>>;
}

/** Answers whether this replica should get traffic. */
@Injectable()
export class ReadinessCheck {
  #stopping = false;
  #last: { readonly atMs: number; readonly answer: Promise<Readiness> } | undefined;

  constructor(
    private readonly probes: Probes,
    private readonly clock: Clock,
  ) {}

  /** From now on it is not ready, so that traffic goes elsewhere before the door closes. */
  stopping(): void {
    this.#stopping = true;
  }

  /** Asks every dependency, at once. */
  async check(): Promise<Readiness> {
    const nowMs = this.clock.monotonicMs();
    if (this.#last === undefined || nowMs - this.#last.atMs > FRESH_MS)
      this.#last = { atMs: nowMs, answer: this.ask() };
    const answer = await this.#last.answer;
    if (!this.#stopping) return answer;
    return { ready: false, checks: { ...answer.checks, process: { ok: false, detail: 'is stopping' } } };
  }

  private async ask(): Promise<Readiness> {
    const asked = await Promise.all(
      this.probes.all.map(async (probe) => ({ probe, result: await attempt(probe) })),
    );
    return {
      ready: asked.every(({ probe, result }) => result.ok || !probe.essential),
      checks: Object.fromEntries(asked.map(({ probe, result }) => [probe.name, result])),
    };
  }
}

async function attempt(probe: Probe): Promise<ProbeResult> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<ProbeResult>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: 'does not answer in time' }), PROBE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([probe.check(), timeout]);
  } catch (error) {
    return { ok: false, detail: safeErrorText(error) };
  } finally {
    clearTimeout(timer);
  }
}

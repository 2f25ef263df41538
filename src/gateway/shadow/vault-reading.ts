import type { ManagedPath } from './credential-paths.js';
import type { AccessorCheck, Ownership } from './known-accessors.js';
import { isPlausible } from './log-age.js';
import type { LeaseUse, Use, UseGroup } from './uses/lease-use.js';
import type { TokenLeases } from './uses/token-leases.js';
import { UseGroups } from './uses/use-groups.js';
import { readVaultAudit, type VaultRequest } from './vault-audit-line.js';

/** Groups of one batch that are told apart; further reads are counted with those of their credential. */
const MOST_GROUPS = 1_000;
const UNWRAP = 'sys/wrapping/unwrap';

/** Reads of one managed path by one token that is nobody's of ours. */
export interface ReadGroup {
  readonly managed: ManagedPath;
  readonly first: VaultRequest;
  /** False where it stands for several tokens. */
  readonly apart: boolean;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** What a reading goes by. */
export interface ReadingParts {
  readonly paths: ReadonlyMap<string, ManagedPath>;
  readonly accessors: AccessorCheck;
  readonly leases: TokenLeases;
  readonly device: string | undefined;
  readonly now: Date;
  /** Whose leases were dropped by then nobody can tell any more. */
  readonly remembered: Date;
  readonly spanMs: number;
}

/** Makes out what lines of a Vault audit device are about. Keeps groups of them, never the lines. */
export class VaultReading {
  readonly #reads = new Map<string, { -readonly [K in keyof ReadGroup]: ReadGroup[K] }>();
  readonly #uses: UseGroups;
  readonly counts = { unreadable: 0, ours: 0, undecided: 0, shadow: 0 };

  constructor(private readonly parts: ReadingParts) {
    this.#uses = new UseGroups(parts.spanMs);
  }

  /** Takes one line. Fails where Vault had to be asked for a hash and did not answer. */
  async add(line: string): Promise<void> {
    const request = readVaultAudit(line);
    if (request === 'other') return;
    if (request === 'unreadable' || !isPlausible(request.at, this.parts.now)) {
      this.counts.unreadable += 1;
      return;
    }
    const found = this.parts.paths.get(request.path);
    const managed = found?.operations.includes(request.operation) === true ? found : undefined;
    if (request.path === UNWRAP) return this.#unwrapped(request);
    // Of a token that says to be of no lease it is looked only where it matters: a busy Vault has many others.
    const worthwhile = managed !== undefined || request.failed || request.hintedLease !== undefined;
    const { device, leases } = this.parts;
    const leaseId = worthwhile ? await leases.ofToken(request, device) : undefined;
    if (leaseId !== undefined) {
      const use = request.failed ? 'vault_denied' : managed === undefined ? 'vault_request' : 'handed_out';
      await this.#used(leaseId, use, request);
    }
    if (managed === undefined || request.failed) return;
    const whose = leaseId === undefined ? await this.#whose(managed, request) : 'ours';
    this.counts[whose] += 1;
    if (whose === 'shadow') this.#addRead(managed, request);
  }

  reads(): readonly ReadGroup[] {
    return [...this.#reads.values()];
  }

  uses(): readonly UseGroup[] {
    return this.#uses.all();
  }

  async #used(leaseId: string, use: Use, request: VaultRequest): Promise<void> {
    const { leases, device } = this.parts;
    for (const hash of request.wrappedInto) await leases.learn(hash, device, leaseId);
    this.#uses.add(useOf(leaseId, use, request));
  }

  /** Whoever unwraps shows the wrapping token, or names it beside one of its own. */
  async #unwrapped(request: VaultRequest): Promise<void> {
    const { leases, device } = this.parts;
    for (const hash of [request.accessor, request.tokenNamed]) {
      const leaseId = hash === undefined ? undefined : await leases.learned(hash, device);
      if (leaseId === undefined) continue;
      this.#uses.add(useOf(leaseId, request.failed ? 'vault_denied' : 'unwrapped', request));
      return;
    }
  }

  #whose(managed: ManagedPath, request: VaultRequest): Promise<Ownership> {
    if (request.at < this.parts.remembered) return Promise.resolve('undecided');
    return this.parts.accessors.ownership(managed.credential, request.accessor, request.at);
  }

  #addRead(managed: ManagedPath, request: VaultRequest): void {
    const own = JSON.stringify([managed.path, request.accessor ?? '', request.source ?? '']);
    const apart = this.#reads.has(own) || this.#reads.size < MOST_GROUPS;
    const key = apart ? own : managed.path;
    const group = this.#reads.get(key);
    if (group === undefined) {
      const { at } = request;
      this.#reads.set(key, { managed, first: request, apart, count: 1, firstAt: at, lastAt: at });
      return;
    }
    group.count += 1;
    if (request.at < group.firstAt) group.firstAt = request.at;
    if (request.at > group.lastAt) group.lastAt = request.at;
  }
}

function useOf(leaseId: string, use: Use, request: VaultRequest): LeaseUse {
  const { path, operation, source = '', id, at } = request;
  return { leaseId, use, place: path, operation, source, request: id, at };
}

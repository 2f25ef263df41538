import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { actorName, type Caller } from '../kernel/caller.js';
import { AuditInbox } from './audit-inbox.js';

/** For how long reading the same again is still the read that was recorded: pages, and who follows the log. */
const SAME_READ_MS = 60_000;
const MOST_KNOWN = 10_000;
const MAX_SHOWN_CHARS = 512;

/** Filters whose values identify something sensitive; they are shown as their HMAC. */
const SENSITIVE: ReadonlySet<string> = new Set(['account', 'accessor', 'serial']);
/** What says which page or stretch is read, and not what is looked for. */
const PLACES: ReadonlySet<string> = new Set(['cursor', 'limit', 'from_index', 'to_index', 'order']);

/** What was asked for, by the names of the API. */
export type NamedFilters = Readonly<Record<string, unknown>>;

/**
 * The filters as events show them: `name=value`, a sensitive value as its HMAC, and never a place in the log. `hmac` is
 * that of the inbox.
 */
export function shownFilters(filters: NamedFilters, hmac: (value: string) => string): string[] {
  return Object.entries(filters)
    .filter(([name, value]) => value !== undefined && !PLACES.has(name))
    .map(([name, value]) => {
      const text = value instanceof Date ? value.toISOString() : String(value);
      return `${name}=${SENSITIVE.has(name) ? hmac(text) : text}`.slice(0, MAX_SHOWN_CHARS);
    })
    .sort();
}

/**
 * Records that somebody reads the log, as `audit.read`, before they are answered: who cannot be recorded reads nothing.
 * Further pages of a read, and the same read again within a minute, belong to the event of the first one; otherwise
 * following the log would fill it.
 */
@Injectable()
export class AuditReads {
  readonly #recorded = new LRUCache<string, Promise<void>>({ max: MOST_KNOWN, ttl: SAME_READ_MS });

  constructor(private readonly inbox: AuditInbox) {}

  /** Resolves once the read is recorded. Throws what the database throws. */
  async record(caller: Caller, read: string, filters: NamedFilters): Promise<void> {
    const shown = shownFilters(filters, (value) => this.inbox.hmac(value));
    const key = JSON.stringify([actorName(caller.actor), read, shown]);
    const known = this.#recorded.get(key);
    if (known !== undefined) return known;
    const recording = this.inbox
      .record('audit.read', { caller }, { read, ...(shown.length > 0 && { filters: shown }) })
      .then(() => undefined);
    this.#recorded.set(key, recording);
    // Whoever asks next tries to record it again.
    recording.catch(() => this.#recorded.delete(key));
    return recording;
  }
}

import { EVENT_KINDS } from '../catalogue.js';
import type { SettingsValues } from '../../settings/schema.js';

/** Ages of the entries of some kinds. */
export interface RetentionClass {
  readonly name: string;
  /** Every kind in the catalogue that it has; other kinds that are found belong to `default`. */
  readonly kinds: readonly string[];
  readonly minDays: number;
  /** Undefined: for ever. */
  readonly maxDays: number | undefined;
}

/**
 * The classes of the settings, each with its kinds. A kind by its name goes before a pattern such as `call.*`. Throws
 * for a kind that there is none of: what it was meant to limit would be kept for ever.
 */
export function retentionClasses(settings: SettingsValues['audit']['retention']): readonly RetentionClass[] {
  const all = Object.keys(EVENT_KINDS);
  const classes = Object.entries(settings.classes);
  const owner = new Map<string, string>();
  for (const wildcard of [true, false]) {
    for (const [name, { kinds }] of classes) {
      for (const pattern of kinds.filter((kind) => kind.endsWith('*') === wildcard)) {
        const matched = all.filter(
          (kind) => kind === pattern || (wildcard && kind.startsWith(pattern.slice(0, -1))),
        );
        if (matched.length === 0)
          throw new Error(`audit.retention.classes.${name}: there is no kind ${pattern}`);
        for (const kind of matched) owner.set(kind, name);
      }
    }
  }
  return classes.map(([name, { minDays, maxDays }]) => ({
    name,
    kinds: all.filter((kind) => (owner.get(kind) ?? 'default') === name),
    minDays,
    maxDays,
  }));
}

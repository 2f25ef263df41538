import { Injectable } from '@nestjs/common';
import { Settings } from '../settings/schema.js';
import type { CompiledRule } from './compiled-rule.js';
import { readRules, shippedRulesFolder } from './rule-files.js';

/** The channel that there is without any settings. */
export const LOG_CHANNEL = 'log';

/** The rules of this process, read when it starts: a change of the files takes a restart. */
@Injectable()
export class AlertRules {
  /** All of them, also those that are not enabled. */
  readonly all: readonly CompiledRule[];
  /** Every kind of event that some rule is about. */
  readonly kinds: readonly string[];
  readonly #byName: ReadonlyMap<string, CompiledRule>;
  /** Where alerts go whose rule does not say: to all channels of the settings, or to the log when there are none. */
  readonly usualChannels: readonly string[];

  constructor(settings: Settings) {
    const { rulesFolder, channels } = settings.values.alerts;
    const names = channels.map(({ name }) => name);
    this.usualChannels = names.length === 0 ? [LOG_CHANNEL] : names;
    this.all = readRules(rulesFolder ?? shippedRulesFolder(), [...names, LOG_CHANNEL]);
    this.kinds = [...new Set(this.all.filter(({ rule }) => rule.enabled).flatMap(({ kinds }) => [...kinds]))];
    this.#byName = new Map(this.all.map((compiled) => [compiled.rule.name, compiled]));
  }

  /** A rule by its name, also one that is not enabled. */
  find(name: string): CompiledRule | undefined {
    return this.#byName.get(name);
  }

  /** Where a rule's alerts go; everywhere also when the rule is gone while its alert still fires. */
  channelsOf(name: string): readonly string[] {
    return this.#byName.get(name)?.rule.channels ?? this.usualChannels;
  }
}

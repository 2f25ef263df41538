/** One thing that is wrong with the settings: which key or variable, and what; never its value. */
export interface SettingsProblem {
  readonly key: string;
  readonly problem: string;
}

/** Settings that cannot be started with; names every key that is at fault, and prints no value. */
export class SettingsError extends Error {
  constructor(readonly problems: readonly SettingsProblem[]) {
    super(problems.map(({ key, problem }) => `${key} ${problem}`).join('\n'));
    this.name = 'SettingsError';
  }
}

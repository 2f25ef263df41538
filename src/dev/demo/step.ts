/** The steps of the demonstration, in order; scripts rely on these names. */
export const STEP_NAMES = [
  'install',
  'vault',
  'database',
  'issuer',
  'migrate',
  'bootstrap',
  'serve',
  'admin-creates-grant',
  'worker-exchanges-token',
  'worker-leases',
  'worker-logs-in',
  'worker-renews',
  'run-closes',
  'login-refused',
  'stranger-refused',
  'audit-lists',
  'audit-verifies',
  'stop',
] as const;
export type StepName = (typeof STEP_NAMES)[number];

/** How a step went. */
export interface StepResult {
  readonly name: StepName;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

/** Where steps are shown. */
export interface Screen {
  started(name: StepName): void;
  /** What the running step is doing. */
  progress(line: string): void;
  finished(result: StepResult): void;
  /** Text between and after the steps. */
  text(text: string): void;
}

import { constants } from 'node:os';
import { usageError } from '../cli-error.js';
import type { ExecPlan } from './plan.js';

/** What is done to the command when a credential of it was replaced and its files are new. */
export type OnRotate =
  | { readonly kind: 'none' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals };

/** Reads `none`, `restart` or `signal:HUP`; refuses anything else, and a signal that cannot be caught. */
export function onRotateOf(text: string | undefined): OnRotate {
  if (text === undefined || text === 'none') return { kind: 'none' };
  if (text === 'restart') return { kind: 'restart' };
  const [, name] = /^signal:(?:SIG)?([A-Z][A-Z0-9]+)$/.exec(text) ?? [];
  const signal = `SIG${name ?? ''}`;
  if (name === undefined || !isSignal(signal) || signal === 'SIGKILL' || signal === 'SIGSTOP') {
    throw usageError(`--on-rotate ${text} is not none, restart or a signal such as signal:HUP.`);
  }
  return { kind: 'signal', signal };
}

/**
 * The credentials of the plan that are replaced before their leases end. Those that the command has only in its
 * environment are not, unless it is restarted: it could not see new ones, and would lose the old ones early.
 */
export function rotatedCredentials(plan: ExecPlan, onRotate: OnRotate): ReadonlySet<string> {
  if (onRotate.kind === 'restart') return new Set(plan.credentials);
  const inFiles = new Set(plan.files.map(({ source }) => source.credential));
  if (onRotate.kind === 'signal' && inFiles.size === 0) {
    throw usageError(
      '--on-rotate signal has nothing to tell: variables of a running command cannot be changed.',
      'Use --file, or --on-rotate restart.',
    );
  }
  return inFiles;
}

function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals;
}

import { onTestFinished } from 'vitest';

/** What this process is told from now on, in this test, about rejections that nobody handles: each would end a broker. */
export function unhandledRejections(): readonly unknown[] {
  return heard('unhandledRejection');
}

/** The same of errors that nobody catches, such as an `error` event without a listener. */
export function uncaughtErrors(): readonly unknown[] {
  return heard('uncaughtException');
}

/** Lets everything that is due run, so that what nobody handles is known. */
export async function everythingDue(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

function heard(event: 'unhandledRejection' | 'uncaughtException'): readonly unknown[] {
  const seen: unknown[] = [];
  const note = (reason: unknown): void => void seen.push(reason);
  const others = process.listeners(event as 'uncaughtException');
  process.removeAllListeners(event).on(event, note);
  onTestFinished(() => {
    process.removeListener(event, note);
    for (const other of others) process.on(event as 'uncaughtException', other);
  });
  return seen;
}

import type { App } from './app.js';

/**
 * Stops the broker at SIGTERM or SIGINT; a second signal ends the process at once. Settles when it has stopped, and may be
 * awaited late: a stop that fails while the broker still starts is no unhandled rejection.
 */
export function stopOnSignal(app: Pick<App, 'log' | 'close'>): Promise<void> {
  const stopped = new Promise<void>((resolve, reject) => {
    let signals = 0;
    const stop = (signal: NodeJS.Signals): void => {
      signals += 1;
      if (signals > 1) process.exit(1);
      app.log.info({ signal }, 'stopping');
      app.close().then(resolve, reject);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  stopped.catch(() => undefined);
  return stopped;
}

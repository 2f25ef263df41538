import type { Server } from 'node:net';
import type { Clock } from './clock.js';
import type { Log } from './log.js';
import { safeErrorFields } from './safe-error.js';

const SAID_EVERY_MS = 10_000;

/**
 * Says in the log, at most each ten seconds, that a server that listens could not take a connection, for want of file
 * descriptors or memory mostly. Node emits that as an `error` of the server, which would end the process when nobody
 * listens; the next connection may be taken again. https://nodejs.org/api/net.html#event-error
 */
export function surviveAcceptFailures(server: Server, log: Log, clock: Clock): void {
  let sayAtMs = Number.NEGATIVE_INFINITY;
  server.on('error', (error) => {
    if (clock.monotonicMs() < sayAtMs) return;
    sayAtMs = clock.monotonicMs() + SAID_EVERY_MS;
    log.error(safeErrorFields(error), 'a connection could not be taken');
  });
}

import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DestinationStream } from 'pino';
import { DirectCalls } from './api/gateway/direct-calls.js';
import { ReadinessCheck } from './api/health/readiness.js';
import { DirectRoutes } from './api/http/direct-routes.js';
import { RouteTable } from './api/http/route-table.js';
import { createServer, dressServer } from './api/http/server.js';
import { Metrics } from './api/observability/metrics.js';
import { NestLog } from './api/observability/nest-log.js';
import { createLogger, PinoLog } from './api/observability/pino-log.js';
import { observeRequests } from './api/observability/request-log.js';
import { DirectLeases } from './api/worker/direct-leases.js';
import { AppModule } from './app.module.js';
import { surviveAcceptFailures } from './kernel/accept-failures.js';
import { SystemClock, type Clock } from './kernel/clock.js';
import { RandomIds, type Ids } from './kernel/ids.js';
import type { Log } from './kernel/log.js';
import type { Settings } from './settings/schema.js';

/** What a test may bring along. */
export interface AppOptions {
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** Where log lines go; standard output unless told. */
  readonly logTo?: DestinationStream;
}

/** A broker that is put together; it serves once it listens. */
export interface App {
  readonly nest: NestFastifyApplication;
  readonly log: Log;
  /** Listens as the settings say; answers the address. */
  listen(): Promise<string>;
  /**
   * Stops: not ready any more, no new request, open ones get `server.drainSeconds`, then jobs, sequencer, Vault and
   * database, in this order. Calling it again waits for the first.
   */
  close(): Promise<void>;
}

/**
 * Puts a broker together and starts its background work. Throws when the database does not answer; a Vault or an issuer
 * that does not is waited for, and `/readyz` says so.
 */
export async function createApp(settings: Settings, options: AppOptions = {}): Promise<App> {
  const logger = createLogger(settings, options.logTo);
  const log = new PinoLog(logger);
  const clock = options.clock ?? new SystemClock();
  const ids = options.ids ?? new RandomIds(clock);
  const nest = await NestFactory.create<NestFastifyApplication>(
    AppModule.register({ settings, log, clock, ids }),
    createServer(settings, ids, logger),
    { bodyParser: false, abortOnError: false, logger: new NestLog(log) },
  );
  const server = nest.getHttpAdapter().getInstance();
  dressServer(server, nest.get(RouteTable), settings.values.gateway.bodyLimitBytes);
  server.addHook('onRoute', (route) => {
    for (const direct of [DirectCalls, DirectLeases])
      nest.get(DirectRoutes).takeOver(route, nest.get(direct));
  });
  observeRequests(server, log, nest.get(Metrics));
  await nest.init();
  await server.ready();
  let closing: Promise<void> | undefined;
  return {
    nest,
    log,
    async listen() {
      const { host, port } = settings.values.server;
      await nest.listen(port, host);
      surviveAcceptFailures(nest.getHttpServer(), log, clock);
      const address = nest.getHttpServer().address() as AddressInfo;
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      return `http://${name}:${address.port}`;
    },
    close() {
      return (closing ??= close(nest, settings.values.server.drainSeconds));
    },
  };
}

async function close(nest: NestFastifyApplication, drainSeconds: number): Promise<void> {
  nest.get(ReadinessCheck).stopping();
  const server = nest.getHttpAdapter().getInstance();
  const timer = setTimeout(() => nest.getHttpServer().closeAllConnections(), drainSeconds * 1_000);
  try {
    await server.close();
  } finally {
    clearTimeout(timer);
  }
  await nest.close();
}

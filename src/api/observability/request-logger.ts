import type { FastifyBaseLogger } from 'fastify';

type Bindings = Parameters<FastifyBaseLogger['child']>[0];
type Line = readonly [fields: object, message?: string];

/**
 * Fastify's logger of one request, made when something is logged with it: Fastify asks for one at the start of each
 * request and hardly ever uses it, and our own lines do not come from it.
 */
export function requestLogger(parent: FastifyBaseLogger, bindings: Bindings): FastifyBaseLogger {
  return new RequestLogger(parent, bindings) as unknown as FastifyBaseLogger;
}

class RequestLogger {
  #made: FastifyBaseLogger | undefined;

  constructor(
    private readonly parent: FastifyBaseLogger,
    private readonly bindings: Bindings,
  ) {}

  get level(): string {
    return this.parent.level;
  }

  child(bindings: Bindings): FastifyBaseLogger {
    return this.made().child(bindings);
  }
  fatal(...line: Line): void {
    this.made().fatal(...line);
  }
  error(...line: Line): void {
    this.made().error(...line);
  }
  warn(...line: Line): void {
    this.made().warn(...line);
  }
  info(...line: Line): void {
    this.made().info(...line);
  }
  debug(...line: Line): void {
    this.made().debug(...line);
  }
  trace(...line: Line): void {
    this.made().trace(...line);
  }

  private made(): FastifyBaseLogger {
    return (this.#made ??= this.parent.child(this.bindings));
  }
}

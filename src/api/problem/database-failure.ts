/** Socket failures on the way to the database. */
const SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
]);

/** SQLSTATEs of a server that is going, gone, not yet there, does not let us in or has ended a session that stood still (PostgreSQL, appendix A). */
const GONE = /^(08...|28...|57P0[1-5]|53300|25006|25P0[34]|3D000|55000)$/;

/** SQLSTATEs that another attempt would not meet: deadlock, serialisation, time-out of a lock or a statement. */
const BUSY = /^(40001|40P01|55P03|57014)$/;

/**
 * What is thrown without a code when a connection breaks or none can be had: by `pg`, or by TypeORM, which gives up a
 * transaction's connection as soon as it hears of its end.
 */
const BROKEN =
  /^(Query runner already released|Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|Driver not Connected|Cannot use a pool after calling end)/;

/** Whether something thrown says that the database cannot be reached or does not serve. */
export function isDatabaseUnavailable(thrown: unknown): boolean {
  return chain(thrown).some(({ code, message, database }) => {
    if (code !== undefined && GONE.test(code)) return true;
    return BROKEN.test(message) || (database && code !== undefined && SOCKET.has(code));
  });
}

/** Whether something thrown says that the database serves and this attempt was in the way of others. */
export function isOverload(thrown: unknown): boolean {
  return chain(thrown).some(({ code }) => code !== undefined && BUSY.test(code));
}

/** Whether the database refused to enable a credential of a target that is blocked. */
export function isBlockedTarget(thrown: unknown): boolean {
  return chain(thrown).some(({ code }) => code === 'LG001');
}

interface Link {
  readonly code: string | undefined;
  readonly message: string;
  readonly database: boolean;
}

function chain(thrown: unknown): Link[] {
  const links: Link[] = [];
  let current = thrown;
  let database = false;
  while (current instanceof Error && links.length < 8) {
    const { code, driverError, errors } = current as Error & {
      code?: unknown;
      driverError?: unknown;
      errors?: unknown;
    };
    // TypeORM wraps what the driver threw; a socket failure elsewhere (an issuer, Vault) has other wrappers.
    database ||= current.name === 'QueryFailedError' || isPgConnect(current);
    links.push({ code: typeof code === 'string' ? code : undefined, message: current.message, database });
    current = driverError ?? (Array.isArray(errors) ? (errors[0] as unknown) : undefined) ?? current.cause;
  }
  return links;
}

function isPgConnect(error: Error): boolean {
  return /node_modules[\\/](pg|pg-pool|typeorm)[\\/]/.test(error.stack ?? '');
}

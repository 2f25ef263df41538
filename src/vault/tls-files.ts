import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { buildConnector } from 'undici';

type Connector = buildConnector.connector;

/** The PEM files that connections to Vault are made with. */
export interface TlsFileNames {
  readonly caFile?: string | undefined;
  readonly clientCertFile?: string | undefined;
  readonly clientKeyFile?: string | undefined;
  /** Longest time to connect. */
  readonly timeoutMs: number;
}

/**
 * Makes connections with a CA and a client certificate from files, which are read again when they change: certificates
 * are rotated while we run. What is half written or does not fit together is passed over, and the former goes on, until
 * it does fit. Connections that are there stay as they are.
 */
export class TlsFiles {
  /** For undici. */
  readonly connector: Connector;
  /** Of the files as they were read; at first none, so that the first connection looks again. */
  #version = '';
  #made: Connector;
  #alert: string | undefined;

  /** Throws when a file cannot be read or used now: at the start that is a mistake, not a rotation. */
  constructor(private readonly files: TlsFileNames) {
    this.#made = connectorOf(files);
    this.connector = (options, callback) =>
      this.current()(options, (...made) => {
        made[1]?.once('error', ({ code }: NodeJS.ErrnoException) => {
          if (code?.startsWith('ERR_SSL_') === true) this.#alert = code;
        });
        callback(...made);
      });
  }

  /**
   * The TLS alert that ended a connection since the last answer, by the name of its error. With TLS 1.3 a server refuses
   * our certificate after the handshake, and undici tells no more than that the other side closed.
   */
  get alert(): string | undefined {
    return this.#alert;
  }

  /** An answer came: connections work. */
  answered(): void {
    this.#alert = undefined;
  }

  private current(): Connector {
    try {
      const version = versionOf(this.files);
      if (version !== this.#version) {
        this.#made = connectorOf(this.files);
        this.#version = version;
      }
    } catch {
      // Renamed away, or one of a pair is newer than the other: the next connection looks again.
    }
    return this.#made;
  }
}

function connectorOf({ caFile, clientCertFile, clientKeyFile, timeoutMs }: TlsFileNames): Connector {
  const ca = read('caFile', caFile);
  const cert = read('clientCertFile', clientCertFile);
  const key = read('clientKeyFile', clientKeyFile);
  const options = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new Error(
      `the files of vault.caFile, clientCertFile and clientKeyFile do not fit: ${nameOf(error)}`,
    );
  }
  // Said outright: NODE_TLS_REJECT_UNAUTHORIZED=0 must not reach the connection that carries root of trust.
  return buildConnector({ timeout: timeoutMs, rejectUnauthorized: true, ...options });
}

function versionOf({ caFile, clientCertFile, clientKeyFile }: TlsFileNames): string {
  return [caFile, clientCertFile, clientKeyFile]
    .map((file) => {
      if (file === undefined) return '';
      const { ino, size, mtimeMs } = statSync(file);
      return `${ino} ${size} ${mtimeMs}`;
    })
    .join(',');
}

function read(setting: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`vault.${setting} cannot be read: ${nameOf(error)}`);
  }
}

/** Never the message: OpenSSL's may quote what it could not parse. */
function nameOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
}

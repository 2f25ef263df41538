import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { CliError } from '../cli-error.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a login left: the bearer, and what is needed to get the next one. */
export interface Login {
  /** Name and address of the issuer, as the broker knows them. */
  readonly issuerName: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** Sent as `resource` (RFC 8707). */
  readonly resource?: string | undefined;
  readonly bearer: 'access_token' | 'id_token';
  readonly token: string;
  /** Milliseconds since the epoch; absent when the issuer did not say. */
  readonly expiresAtMs?: number | undefined;
  readonly refreshToken?: string | undefined;
}

/**
 * The logins of this user by broker, in one file that only this user can read: `leasegate/logins.json` below
 * `XDG_CONFIG_HOME` (or `~/.config`; https://specifications.freedesktop.org/basedir-spec).
 */
export class TokenCache {
  readonly path: string;

  constructor(environment: Environment) {
    const configured = environment['XDG_CONFIG_HOME'];
    // The specification has relative values ignored.
    const base =
      configured && isAbsolute(configured) ? configured : join(environment['HOME'] || homedir(), '.config');
    this.path = join(base, 'leasegate', 'logins.json');
  }

  async get(brokerUrl: URL): Promise<Login | undefined> {
    return (await this.#read())[keyOf(brokerUrl)];
  }

  async set(brokerUrl: URL, login: Login | undefined): Promise<void> {
    const { [keyOf(brokerUrl)]: _before, ...others } = await this.#read();
    await this.#write(login === undefined ? others : { ...others, [keyOf(brokerUrl)]: login });
  }

  async #read(): Promise<Readonly<Record<string, Login>>> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
      throw error;
    }
    try {
      // Written by this class alone.
      return JSON.parse(text) as Readonly<Record<string, Login>>;
    } catch {
      throw new CliError('login_file_damaged', `${this.path} is damaged.`, {
        next: 'Remove it and log in again with `leasegate login`.',
      });
    }
  }

  // Through a new file: nobody reads half of it, and its mode is right from the first byte on.
  async #write(logins: Readonly<Record<string, Login>>): Promise<void> {
    const folder = dirname(this.path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const draft = `${this.path}.${randomBytes(6).toString('hex')}`;
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(logins, null, 2));
      await file.close();
      await rename(draft, this.path);
    } catch (error) {
      await file.close().catch(() => {});
      await rm(draft, { force: true });
      throw error;
    }
  }
}

function keyOf(brokerUrl: URL): string {
  return `${brokerUrl.origin}${brokerUrl.pathname.replace(/\/+$/, '')}`;
}

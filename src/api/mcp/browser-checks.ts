import { BrokerError } from '../../kernel/broker-error.js';
import type { SettingsValues } from '../../settings/schema.js';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests that a page in a browser was tricked into: a `Host` that is not one of ours (DNS rebinding), or an
 * `Origin` that was not allowed. The MCP specification demands it of the streamable HTTP transport.
 */
export class BrowserChecks {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor({ server, mcp }: Pick<SettingsValues, 'server' | 'mcp'>) {
    const own = new URL(server.publicUrl);
    const listens = server.host.includes(':') ? `[${server.host}]` : server.host;
    this.#hosts = new Set([
      own.hostname,
      ...mcp.allowedHosts,
      ...(LOOPBACK.includes(listens) ? LOOPBACK : []),
    ]);
    this.#origins = new Set([own.origin, ...mcp.allowedOrigins]);
  }

  /** Refuses with `origin_refused`. Programs send no `Origin`; `null` is one that nobody can vouch for. */
  check(headers: { readonly host?: string | undefined; readonly origin?: string | undefined }): void {
    if (!this.#hosts.has(hostnameIn(headers.host)))
      throw new BrokerError('origin_refused', {
        field: 'host',
        detail: 'The Host is not a name of this broker.',
      });
    if (headers.origin !== undefined && !this.#origins.has(headers.origin.toLowerCase()))
      throw new BrokerError('origin_refused', {
        field: 'origin',
        detail: 'Pages of this Origin may not call; an operator can allow it in `mcp.allowedOrigins`.',
      });
  }
}

/** The name in a `Host`, without port; empty when it is not one. */
function hostnameIn(host = ''): string {
  // A URL would also take userinfo and a path for part of the authority.
  const url = `http://${host}`;
  return /[@/?#\\\s]/.test(host) || !URL.canParse(url) ? '' : new URL(url).hostname;
}

import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, TLSSocket, type PeerCertificate } from 'node:tls';
import { buildConnector } from 'undici';
import { canonicalAddress } from './address.js';
import { ConnectFault } from './fault.js';

/** What a connection is made with. */
export interface ConnectorOptions {
  /** The vetted address: the only one that is connected to. */
  readonly address: string;
  /** The host of the URL, without brackets: the name that the certificate has to be for. */
  readonly host: string;
  /** PEM, in place of the system's CAs. */
  readonly ca: string | undefined;
  /** PEM, for mutual TLS. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  readonly timeoutMs: number;
  /** Whether anybody waits for a connection. */
  readonly wanted: () => boolean;
}

/**
 * A connector for undici that never resolves a name: the address is given, and looked at once more when the socket
 * stands. TLS verifies chain and name whatever the environment says, from TLS 1.2 on, and offers HTTP/1.1 only.
 */
export function vettedConnector(options: ConnectorOptions): buildConnector.connector {
  const { address, host, ca, client, timeoutMs, wanted } = options;
  const connect = buildConnector({
    timeout: timeoutMs,
    // Said outright: NODE_TLS_REJECT_UNAUTHORIZED=0 must not reach connections that carry credentials.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    checkServerIdentity: verifiedName,
    allowH2: false,
    ...(ca === undefined ? {} : { ca }),
    ...(client ?? {}),
  });
  return ({ protocol, port }, callback) => {
    if (!wanted()) {
      setImmediate(callback, new ConnectFault('upstream_unreachable', 'nobody waits for it any more'), null);
      return;
    }
    connect(
      // A server name is never an address (RFC 6066 §3); Node then verifies the address against the certificate.
      {
        protocol,
        port,
        hostname: address,
        host: address,
        ...(isIP(host) === 0 ? { servername: host } : {}),
      },
      (error, socket) => {
        if (error !== null) return callback(ConnectFault.of(error), null);
        const fault = faultOfSocket(socket, address);
        if (fault === undefined) return callback(null, socket);
        socket.destroy();
        return callback(fault, null);
      },
    );
  };
}

/** The name has to be among the alternative ones; Node would take the common name where there are none (RFC 9525 §2). */
function verifiedName(host: string, certificate: PeerCertificate): Error | undefined {
  if (certificate.subjectaltname === undefined) {
    return new ConnectFault('upstream_tls_refused', 'the certificate names no host');
  }
  return checkServerIdentity(host, certificate);
}

function faultOfSocket(socket: Socket | TLSSocket, address: string): ConnectFault | undefined {
  const { remoteAddress } = socket;
  if (remoteAddress === undefined) return new ConnectFault('upstream_unreachable', 'gone at once');
  if (canonicalAddress(remoteAddress) !== address) {
    return new ConnectFault('destination_refused', 'connected to an address that was not vetted');
  }
  if (socket instanceof TLSSocket && !socket.authorized) {
    return new ConnectFault('upstream_tls_refused', 'the certificate was not verified');
  }
  return undefined;
}

import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

/** Where ports for servers are sought; what is below is for servers that are known by their port. */
const LOWEST = 15_000;
/** Fewer than so many are no choice. */
const FEWEST = 1_000;
const ATTEMPTS = 50;

/**
 * A loopback port that nobody listens on now. Somebody else may take it before the caller does: whoever starts
 * a server on it tries again with another ({@link withFreePort}). On Linux it is one that the kernel gives to nobody
 * who does not ask for it, so it is still free a moment later, and while a server that had it starts again.
 */
export async function freePort(): Promise<number> {
  const end = ephemeralStart();
  for (let attempt = 0; end - LOWEST >= FEWEST && attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST, end);
    if ((await listened(port)) !== undefined) return port;
  }
  const given = await listened(0);
  if (given === undefined) throw new Error('there is no free port');
  return given;
}

/** Starts a server on a free port; with another one when it fails because the port was taken meanwhile. */
export async function withFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      const taken = error instanceof Error && /address already in use|EADDRINUSE/i.test(error.message);
      if (!taken || attempt === 5) throw error;
    }
  }
}

/** The first port that the kernel gives away by itself; 0 where it does not say. */
function ephemeralStart(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    return 0;
  }
}

/** Listens on a port (0: any) for a moment; answers which it was, and undefined where it is taken. */
async function listened(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  } catch {
    return undefined;
  }
  const { port: given } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return given;
}

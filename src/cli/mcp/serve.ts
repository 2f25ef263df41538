import { createInterface } from 'node:readline';
import { brokerUrl, workerClient } from '../clients.js';
import { onSignals, exitCodeOfSignal, type Forwarded } from '../exec/signals.js';
import { failureOf } from '../failure.js';
import type { Invocation } from '../invocation.js';
import { StdioBridge } from './stdio-bridge.js';

/**
 * `mcp`: a Model Context Protocol server on standard input and output, which is the broker's. Ends when its input has
 * ended and everything is answered, or at once on a signal; then open calls are given up at the provider, too.
 */
export async function serveMcp(invocation: Invocation): Promise<number> {
  const { output, surrounding } = invocation;
  const client = workerClient(invocation);
  const endpoint = new URL(brokerUrl(invocation));
  endpoint.pathname = `${endpoint.pathname.replace(/\/+$/, '')}/mcp`;
  const bridge = new StdioBridge({
    post: (body, headers, signal) => client.fetch(endpoint, { method: 'POST', headers, body, signal }),
    write: (line) => surrounding.stdout.write(line),
    explain: (error) => {
      const { code, detail } = failureOf(error);
      output.note(`leasegate: ${code}: ${detail}`, 'red');
      return { code, detail };
    },
  });
  const lines = createInterface({ input: surrounding.stdin, crlfDelay: Infinity });
  let stoppedBy: Forwarded | undefined;
  const stopListening = onSignals((signal) => {
    stoppedBy ??= signal;
    lines.close();
    bridge.abort();
  });
  try {
    lines.on('line', (line) => bridge.take(line));
    // Input that cannot be read any more has ended, whatever the reason.
    lines.on('error', () => lines.close());
    await new Promise<void>((resolve) => lines.once('close', resolve));
    await bridge.idle();
    return stoppedBy === undefined ? 0 : exitCodeOfSignal(stoppedBy);
  } finally {
    stopListening();
  }
}

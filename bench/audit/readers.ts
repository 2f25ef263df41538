import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { leasegateProgram } from '../../src/dev/dev-broker.js';
import { residentMiB, type BrokerParts } from '../broker-parts.js';
import { LeaseEvents } from './events.js';

/** What an export took. */
export interface ExportRound {
  readonly seconds: number;
  /** The most that the broker had in memory meanwhile. */
  readonly residentMiB: number;
}

/** Exports all of the log, to a file or to nowhere; undefined where the broker does not know the format. */
export async function exportLog(
  parts: BrokerParts,
  token: string,
  format: string,
  file?: string,
): Promise<ExportRound | undefined> {
  let most = 0;
  const watch = setInterval(() => {
    void residentMiB(parts.broker.pid).then((now) => (most = Math.max(most, now)));
  }, 100);
  try {
    const from = performance.now();
    const response = await fetch(`${parts.baseUrl}/v1/audit/export?format=${format}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!response.ok || response.body === null) return undefined;
    const body = Readable.fromWeb(response.body);
    if (file === undefined) for await (const chunk of body) void chunk;
    else await pipeline(body, createWriteStream(file));
    return { seconds: (performance.now() - from) / 1_000, residentMiB: most };
  } finally {
    clearInterval(watch);
  }
}

/** Entries a second that `leasegate audit verify` gets through, with the time that the program takes to start. */
export async function verifyRate(file: string, keys: readonly string[]): Promise<number> {
  const words = ['audit', 'verify', file, '--json', ...keys.flatMap((key) => ['--key', key])];
  const from = performance.now();
  const child = spawn(process.execPath, [leasegateProgram(), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const { ok, count } = JSON.parse(printed) as { ok: boolean; count: number };
  if (!ok) throw new Error(`the export does not verify: ${printed}`);
  return count / ((performance.now() - from) / 1_000);
}

/** Milliseconds of `count` questions who held an account, over HTTP. */
export async function heldMs(
  parts: BrokerParts,
  token: string,
  leases: number,
  count: number,
): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const account = LeaseEvents.account(Math.floor((n * 7_919) % leases));
    const from = performance.now();
    const answer = await fetch(`${parts.baseUrl}/v1/audit/held?account=${account}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { items } = (await answer.json()) as { items?: unknown[] };
    if (items?.length !== 1) throw new Error(`nobody is known to have held ${account}`);
    taken.push(performance.now() - from);
  }
  return taken;
}

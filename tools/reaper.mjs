// Ends what its parent started when the parent is gone, in whatever way it went (SIGKILL included).
// The parent writes lines to our standard input: `+pid N`, `-pid N`, `+dir PATH`, `-dir PATH`. When that pipe
// closes, the process groups that are still listed are ended and the directories removed. Plain Node, so that
// tests and the built program start the same file.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

const pids = new Set();
const directories = new Set();

// The terminal sends Ctrl-C to us too; the parent decides when we are done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...rest] = line.split(' ');
  const value = rest.join(' ');
  if (verb === '+pid') pids.add(Number(value));
  if (verb === '-pid') pids.delete(Number(value));
  if (verb === '+dir') directories.add(value);
  if (verb === '-dir') directories.delete(value);
}

const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const signal = (pid, name) => {
  // Each was started as the leader of its own group; the group takes plugins along.
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, name);
    } catch {
      // Gone already.
    }
  }
};

for (const pid of pids) signal(pid, 'SIGTERM');
for (let waited = 0; waited < 3_000 && [...pids].some(alive); waited += 50) await wait(50);
for (const pid of pids) signal(pid, 'SIGKILL');
for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });

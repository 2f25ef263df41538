import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';

/**
 * The memory of this process that something still holds on to: what could be collected is, first. Without that a bound
 * would depend on when the runtime last did so.
 */
export function keptMemory(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What a first collection finds is given back with the second.
  collect();
  collect();
  return process.memoryUsage();
}

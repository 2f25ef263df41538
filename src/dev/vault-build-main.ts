import { MISSING_PART_EXIT_CODE, MissingPart } from './missing-part.js';
import { Reaper } from './reaper.js';
import { findVault, type VaultSource } from './vault-source.js';

/** `npm run vault:build`: finds a server for evaluation and tests, or builds one, and says where it is. */
export async function main(): Promise<number> {
  const reaper = new Reaper();
  let last = '';
  const progress = (line: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line.slice(0, process.stderr.columns - 1)}`);
    else if (line !== last) process.stderr.write(`${line}\n`);
    last = line;
  };
  const interrupted = (): void => void reaper.close().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const source = await findVault(reaper, progress);
    if (process.stderr.isTTY && last !== '') process.stderr.write('\r\x1b[2K');
    process.stdout.write(`${describe(source)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof MissingPart)) throw error;
    process.stderr.write(`${error.message}\n`);
    return MISSING_PART_EXIT_CODE;
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await reaper.close();
  }
}

/** One line that says what is used. */
export function describe(source: VaultSource): string {
  return source.kind === 'binary'
    ? `${source.path} (${source.origin})`
    : `${source.image} (${source.origin})`;
}

import { startParts } from '../issue/parts.js';
import { compared, inTurns, measured, median, report, type Report } from '../report.js';
import { BrokerDatabase } from '../sweep/broker-database.js';
import { killByBroker, killByVault, type Kill } from './kills.js';
import { Victims } from './victims.js';

const SIZE = 100;
/** One takes a third of a second, and a machine is not the same from one to the next. */
const KILLS_A_ROUND = 3;

/**
 * A run with 100 live database leases that is closed, until the target refuses every login; against Vault's own
 * `revoke-prefix`, `sync`, of as many. One Vault, one PostgreSQL, one machine, in turns.
 */
export async function benchRevoke(
  rounds: number,
  progress: (line: string) => void,
  size = SIZE,
): Promise<Report> {
  const parts = await startParts(progress);
  const database = await BrokerDatabase.open(parts.databaseUrl);
  const victims = await Victims.of(parts.target);
  const scene = { parts, database, victims };
  try {
    await killByBroker(scene, Math.min(size, 20));
    await killByVault(scene, Math.min(size, 20));
    const [ours, vault]: [Kill[], Kill[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      for (let kill = 0; kill < KILLS_A_ROUND; kill += 1)
        await inTurns(round + kill, [
          async () => vault.push(await killByVault(scene, size)),
          async () => ours.push(await killByBroker(scene, size)),
        ]);
      progress(`round ${round + 1} of ${rounds}: Vault alone ${told(vault)}, ours ${told(ours)}`);
    }
    const line = { unit: 'ms', better: 'lower' } as const;
    return report('revoke', rounds, [
      compared({
        ...line,
        case: `${size} database leases of one run`,
        metric: 'until every login is refused',
        ours: median(ours.map(({ goneMs }) => goneMs)),
        reference: median(vault.map(({ goneMs }) => goneMs)),
        limit: 1.2,
      }),
      measured({
        ...line,
        case: `${size} database leases of one run`,
        metric: 'until every end is proved and recorded',
        ours: median(ours.map(({ answeredMs }) => answeredMs)),
        limit: null,
      }),
    ]);
  } finally {
    await victims.close();
    await database.close();
    await parts.stop();
  }
}

function told(kills: readonly Kill[]): string {
  const { goneMs = 0, answeredMs = 0 } = kills.at(-1) ?? {};
  return `${goneMs.toFixed(0)} ms (answer after ${answeredMs.toFixed(0)})`;
}

import { csvRecords } from '../../export/csv.js';
import type { CostGrouping, CostSum } from '../../gateway/cost/cost-sum.js';

type Cell = string | number | null;
type Column = readonly [name: string, cell: (sum: CostSum) => Cell];

const GROUPS: Readonly<Record<CostGrouping, readonly Column[]>> = {
  run: [
    ['run_id', ({ run }) => run?.runId ?? null],
    ['run_ref', ({ run }) => run?.ref ?? null],
  ],
  step: [
    ['run_id', ({ run }) => run?.runId ?? null],
    ['run_ref', ({ run }) => run?.ref ?? null],
    ['step_id', ({ stepId }) => stepId ?? null],
  ],
  grant: [
    ['grant', ({ grant }) => grant?.name ?? null],
    ['grant_id', ({ grant }) => grant?.id ?? null],
  ],
  tool: [['tool', ({ tool }) => tool ?? null]],
  workload: [
    ['issuer', ({ workload }) => workload?.issuer ?? null],
    ['subject', ({ workload }) => workload?.subject ?? null],
  ],
  day: [['day', ({ day }) => day ?? null]],
};

const SUMS: readonly Column[] = [
  ['calls', ({ calls }) => calls],
  ['unknown_calls', ({ unknownCalls }) => unknownCalls],
  ['cost_micros', ({ costMicros }) => costMicros],
  ['request_bytes', ({ requestBytes }) => requestBytes],
  ['response_bytes', ({ responseBytes }) => responseBytes],
  ['units', ({ units }) => (Object.keys(units).length === 0 ? null : JSON.stringify(units))],
];

/** Costs for a spreadsheet: the columns of the grouping, then the sums. */
export function costCsv(by: CostGrouping, sums: readonly CostSum[]): string {
  const columns = [...GROUPS[by], ...SUMS];
  const rows = sums.map((sum) => columns.map(([, cell]) => cell(sum)));
  return csvRecords([columns.map(([name]) => name), ...rows]);
}

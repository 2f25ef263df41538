/** What a log saw of something that left: a connection, a request that a proxy took, or only the question for a name. */
export const EVIDENCE = ['connection', 'request', 'dns'] as const;
export type Evidence = (typeof EVIDENCE)[number];

/** One line of a log of what leaves the network. */
export interface EgressRecord {
  readonly at: Date;
  /** Lower case, no trailing dot; an address where the log knows no name. */
  readonly host: string;
  readonly evidence: Evidence;
  /** False where something in between refused it. */
  readonly allowed: boolean;
  /** Address that it came from. */
  readonly source?: string;
  /** As NAMESPACE/NAME. */
  readonly serviceAccount?: string;
  /** As NAMESPACE/NAME. */
  readonly pod?: string;
  /** Who it was to a proxy, or in a log that names workloads. */
  readonly user?: string;
  /** How many the line stands for. */
  readonly count: number;
}

/** What a line is: a record, something else that the log rightly has, or nothing that the format knows. */
export type ReadLine = EgressRecord | 'other' | 'unreadable';

/** Reads a line of one format. `receivedAt` says which year it is where the log does not. */
export type LineReader = (line: string, receivedAt: Date) => ReadLine;

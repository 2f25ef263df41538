/** Something in a file that is not as it was written. */
export interface ExportProblem {
  /** From 1, as editors count; 0 for what concerns the file as a whole. */
  readonly line: number;
  /** The file of a bundle, folder or archive, by its path there. */
  readonly file?: string;
  /** The index in the log, where the line says one. */
  readonly index?: number;
  readonly problem: string;
}

/** A head of the log that was noted down elsewhere, for example from `GET /v1/audit/events/head`. */
export interface ExpectedHead {
  readonly size: number;
  /** Hex. */
  readonly rootHash: string;
  readonly origin?: string;
}

/** How far a verification has come. */
export interface VerifyProgress {
  readonly entries: number;
  /** Entries that there should be; undefined where the file does not say, as a filtered one does not. */
  readonly total: number | undefined;
}

/** Options of `verifyExport`. */
export interface VerifyOptions {
  /** What the log was like at some moment. The export must contain that moment, unchanged. */
  readonly expectedHead?: ExpectedHead;
  /** Keys of the log, `name+id+base64` each: the export has to end with a checkpoint that one of them signed. */
  readonly keys?: readonly string[];
  /** Problems that are listed; the rest is counted. 100 unless told. */
  readonly maxProblems?: number;
  /** Threads that check beside this one, which reads; none unless told. What is found is the same with any number. */
  readonly threads?: number;
  /** Told now and then, at most once for each MiB. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** What `verifyExport` found. */
export interface ExportVerification {
  /** No problem was found. What that proves, and what not, is in {@link limits}. */
  readonly ok: boolean;
  /** Entries that were read. */
  readonly count: number;
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
  /** Hex; of the tree up to the last entry, as it was computed; null when filtered. */
  readonly rootHash: string | null;
  /** The size of the signed checkpoint that the entries were found to agree with; null without keys to verify it. */
  readonly checkpointSize: number | null;
  readonly origin: string | null;
  readonly filtered: boolean;
  /** Entries of a filtered export that were proved to be in the log of the keys; null when not filtered, or without keys. */
  readonly proved: number | null;
  readonly problems: readonly ExportProblem[];
  /** How many problems there were, also those that are not listed. */
  readonly problemCount: number;
  /** In plain words, what this answer does not prove. */
  readonly limits: readonly string[];
}

import type { ErrorCode } from '../../kernel/error-codes.js';

/** Where numbers about calls go; names of tools and codes only, nothing about who calls. */
export abstract class CallObserver {
  /** A call that ended; refusals before its start are in the decisions of its route. */
  abstract ended(call: {
    readonly tool: string;
    readonly code: ErrorCode | 'ok';
    readonly seconds: number;
  }): void;

  /** What the gateway itself takes of a call until its request may leave: checks, event, vetting, credential. */
  abstract added(seconds: number): void;

  /** How many calls one statement took, of those that admit and those that complete. */
  abstract grouped(statement: 'admit' | 'complete', calls: number): void;

  /** Calls that are open in this process now. */
  abstract open(count: number): void;
}

/** Keeps no numbers, for parts that are put together by hand. */
export class NoObserver extends CallObserver {
  ended(): void {}
  added(): void {}
  grouped(): void {}
  open(): void {}
}

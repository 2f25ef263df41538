import { applyDecorators, HttpCode, SetMetadata } from '@nestjs/common';
import type { z } from 'zod';
import type { ErrorCode } from '../../kernel/error-codes.js';

/** What the documentation says about a route, besides what its decorators already do. */
export interface Operation {
  /** Unique name, in camel case; generated clients call the method so. */
  readonly id: string;
  readonly tag:
    | 'Workers'
    | 'OAuth'
    | 'Grants'
    | 'Credentials'
    | 'Tools'
    | 'Runs'
    | 'Leases'
    | 'Calls'
    | 'Costs'
    | 'Audit'
    | 'Operation'
    | 'Alerts'
    | 'Shadow calls';
  readonly summary: string;
  readonly description?: string;
  /** 200 unless told. */
  readonly status?: number;
  /** Schema of the answer; a media type where it is not JSON. */
  readonly answer?: z.ZodType | { readonly mediaType: string };
  /** Codes of its own that callers should handle; what every route can answer is left out. */
  readonly errors?: readonly ErrorCode[];
  /** The body where it is not one of the decorators' (a form). */
  readonly form?: z.ZodType;
  /** Media types of a body that is a file of records, one a line. */
  readonly records?: readonly string[];
  /** The answer carries an ETag; a change needs If-Match. */
  readonly versioned?: 'answers' | 'requires';
  /** What an `Idempotency-Key` does: the answer is replayed, or as described. */
  readonly idempotency?: 'replays' | 'supersedes';
}

/** Under which metadata key a route's {@link Operation} stands. */
export const OPERATION = 'leasegate:operation';

/** Documents a route, and sets the status of its success. */
export function Documented(operation: Operation): MethodDecorator {
  return applyDecorators(SetMetadata(OPERATION, operation), HttpCode(operation.status ?? 200));
}

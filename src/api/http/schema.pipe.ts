import { Injectable, StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { pointer } from '../../credential/spec.js';
import { invalidRequest, InvalidRequest, type SchemaIssue } from '../problem/invalid-request.js';

/**
 * Validates what a route takes against the schema on its parameter, and hands on what the schema made of it. Fields of
 * a body are named by JSON pointer, those of a query by name.
 */
@Injectable()
export class SchemaPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues: readonly SchemaIssue[]) => invalidRequest(issues) });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof InvalidRequest) || metadata.type !== 'body') throw error;
      throw new InvalidRequest(
        error.problems.map(({ path, message }) => ({ path, field: pointer(path), message })),
      );
    }
  }
}

import { Catch, Injectable, type ArgumentsHost } from '@nestjs/common';
import { BrokerError, hasCode } from '../../kernel/broker-error.js';
import { ProblemFilter } from '../problem/problem.filter.js';

/**
 * Who comes without a run is answered 401 here, whatever other ways in say to that: the MCP specification wants it, and
 * clients learn only from a challenge where tokens come from. It is recorded as on any other way in.
 */
@Catch()
@Injectable()
export class McpRefusals extends ProblemFilter {
  override catch(thrown: unknown, host: ArgumentsHost): void {
    const error = hasCode(thrown, 'run_identity_missing')
      ? new BrokerError('authentication_required', { detail: thrown.detail ?? 'calls need a run token' })
      : thrown;
    super.catch(error, host);
  }
}

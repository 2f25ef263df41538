import { Injectable } from '@nestjs/common';
import { BrokerError } from '../../../kernel/broker-error.js';
import type { OutboundRequest } from '../../destination/outbound-request.js';
import type { Finding } from '../../scrub/finding.js';
import { Scrubber } from '../../scrub/scrubber.js';
import type { PreparedTool } from '../prepared-tool.js';
import { kindsOf } from './blocked.js';

/** What leaves, and what was found in it. */
export interface ScrubbedRequest {
  readonly request: OutboundRequest;
  readonly findings: readonly Finding[];
}

/** Looks for what a worker must not send out. The credential is not in the request yet, so only the tool's rules count. */
@Injectable()
export class RequestScrub {
  constructor(private readonly scrubber: Scrubber) {}

  /**
   * The request, with what may be redacted redacted. Refuses with `request_blocked`: in mode `block` whatever was
   * found, in mode `redact` what was found outside the body, where a redacted value would be another parameter.
   */
  check(tool: PreparedTool, request: OutboundRequest): ScrubbedRequest {
    const mode = tool.spec.scrub.request;
    const line = this.lineOf(request);
    const ofLine = this.scrubber.scrubBody(tool.scrub, [], line, 'text/plain', 'report').findings;
    if (ofLine.length > 0 && mode !== 'report') throw blocked(ofLine);
    if (request.body === undefined) return { request, findings: ofLine };
    const contentType = request.headers['content-type'] ?? 'application/octet-stream';
    const {
      body,
      findings,
      blocked: stopped,
    } = this.scrubber.scrubBody(tool.scrub, [], request.body, contentType, mode);
    if (stopped) throw blocked(findings);
    const all = [...ofLine, ...findings];
    return body === request.body
      ? { request, findings: all }
      : { request: { ...request, body }, findings: all };
  }

  // Percent-encoded parts are looked into by the scrubber itself.
  private lineOf({ url, headers }: OutboundRequest): Buffer {
    return Buffer.from([url.pathname, url.search, ...Object.values(headers)].join('\n'), 'utf8');
  }
}

function blocked(findings: readonly Finding[]): BrokerError {
  return new BrokerError('request_blocked', {
    detail: `the request carries what must not leave: ${kindsOf(findings)}`,
  });
}

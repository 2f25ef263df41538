import { Injectable } from '@nestjs/common';
import { crashPoint } from '../../kernel/crash-point.js';
import { decodeBody } from '../scrub/decode.js';
import { Scrubber } from '../scrub/scrubber.js';
import { AnswerHeaders } from './answer-headers.js';
import type { CallAnswer } from './call-answer.js';
import type { BegunAnswer } from './call-departure.js';
import { refuseBlocked } from './checks/blocked.js';
import { isJson, jsonOf } from './json-answer.js';
import { factsOf, type OpenCall } from './open-call.js';
import { streamAnswer } from './streamed-answer.js';
import { WholeAnswer } from './whole-answer.js';
import { readWhole } from './wire-body.js';

/** Statuses whose answers have no body (RFC 9110 §6.4.1). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const UNTYPED = 'application/octet-stream';

/** Takes answers in: limits, decodes, checks, scrubs and costs them, and ends the call with the last byte. */
@Injectable()
export class CallArrival {
  constructor(
    private readonly scrubber: Scrubber,
    private readonly headers: AnswerHeaders,
  ) {}

  /**
   * The answer as its caller may see it. A stream is answered as soon as it has begun, and ends the call when it
   * ends; anything else is read, checked and scrubbed before anybody sees a byte of it.
   *
   * Rejects with `response_too_large`, `response_blocked`, `response_unreadable`, `tool_response_refused`,
   * `upstream_*`, or with the reason for which the call was cut.
   */
  async receive(open: OpenCall, begun: BegunAnswer): Promise<CallAnswer> {
    try {
      return await this.taken(open, begun);
    } catch (error) {
      // Refused before it was read: the provider must not go on sending into nothing.
      begun.response.body.destroy();
      throw error;
    }
  }

  private async taken(open: OpenCall, begun: BegunAnswer): Promise<CallAnswer> {
    const { response, secrets } = begun;
    const { tool } = open.call;
    const contentType = response.headers['content-type'] ?? UNTYPED;
    const headers = this.headers.pass(tool, secrets, response.headers, open.findings);
    // JSON has an end, and is scrubbed better as a whole: a model's answer may be either at the same endpoint.
    if (tool.spec.response.stream && !isJson(contentType) && hasBody(open, response.status)) {
      return streamAnswer(open, begun, { headers, contentType, scrubber: this.scrubber });
    }
    const body = await this.whole(open, begun, contentType);
    return new WholeAnswer(open, headers, contentType, body);
  }

  private async whole(
    open: OpenCall,
    { response, secrets }: BegunAnswer,
    contentType: string,
  ): Promise<Buffer> {
    const { tool } = open.call;
    const { response: rules, scrub } = tool.spec;
    if (!hasBody(open, response.status)) {
      response.body.on('error', () => undefined).resume();
      return this.finish(open, Buffer.alloc(0), undefined);
    }
    const wire = await readWhole(response.body, rules.max_bytes, open.signal);
    const decoded = await decodeBody(wire, response.headers['content-encoding'], rules.max_bytes);
    open.responseBytes = decoded.length;
    const json = jsonOf(tool, contentType, decoded);
    if (rules.schema !== undefined && response.status < 300) tool.compiled.checkResponse(json);
    const { body, findings, blocked } = this.scrubber.scrubBody(
      tool.scrub,
      secrets,
      decoded,
      contentType,
      scrub.response,
    );
    open.findings.push(...findings);
    refuseBlocked(blocked, findings);
    return this.finish(open, body, json);
  }

  private finish(open: OpenCall, body: Buffer, json: unknown): Buffer {
    crashPoint('call.answered');
    const { micros, units } = open.call.tool.cost.settle({ ...factsOf(open), json });
    open.succeed(micros, units);
    return body;
  }
}

function hasBody({ call }: OpenCall, status: number): boolean {
  return call.request.method !== 'HEAD' && !WITHOUT_BODY.has(status);
}

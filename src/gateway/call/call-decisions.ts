import { Injectable } from '@nestjs/common';
import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import { ToolPermissions } from '../tool/tool-permissions.js';
import type { CallCheck } from './checks/call-check.js';
import { RequestScrub } from './checks/request-scrub.js';
import { refuseForeignStep, stepOfCall } from './checks/step-of-call.js';
import type { DecidedCall } from './decided-call.js';
import { PreparedTools } from './prepared-tool.js';
import type { WantedCall } from './wanted-call.js';

/** Called with each check before it is made, so that a refusal can be named after it. */
export type OnCheck = (check: CallCheck) => void;

/** The checks of a call that count nothing: run and step, tool, parameters, what leaves. They read nothing that is not remembered. */
@Injectable()
export class CallDecisions {
  constructor(
    private readonly permissions: ToolPermissions,
    private readonly tools: PreparedTools,
    private readonly requestScrub: RequestScrub,
  ) {}

  /**
   * Decides. Refuses with `run_identity_missing`, `run_identity_refused`, `tool_not_granted`, `tool_disabled`,
   * `grant_not_active`, `parameter_unknown`, `parameter_refused` or `request_blocked`.
   */
  async decide(
    identity: RunIdentity,
    wanted: WantedCall,
    caller: Caller,
    onCheck: OnCheck,
  ): Promise<DecidedCall> {
    onCheck('run_identity');
    const stepId = stepOfCall(identity, wanted.stepId);
    onCheck('tool_allowed');
    const { grant, tool: compiled, narrowing } = await this.permissions.of(identity, wanted.tool);
    refuseForeignStep(identity, stepId, grant);
    onCheck('parameters');
    const checked = compiled.check(wanted.arguments, narrowing);
    onCheck('request_scrub');
    const tool = this.tools.of(compiled);
    const { request, findings } = this.requestScrub.check(tool, checked);
    return { identity, caller, wanted, stepId, grant, tool, request, findings };
  }

  /** Forgets what was remembered of the caller's grant and this tool; after a refusal that shows that it is old. */
  forget(identity: RunIdentity, tool: string): void {
    this.permissions.forget(identity, tool);
  }
}

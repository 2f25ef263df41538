import { Injectable } from '@nestjs/common';
import { CostRule } from '../cost/cost-rule.js';
import { compileScrub, type ScrubPlan } from '../scrub/scrub-plan.js';
import type { CompiledTool } from '../tool/compiled-tool.js';
import type { ToolSpec } from '../tool/tool-spec.js';

/** A tool with everything that its calls need made beforehand. */
export interface PreparedTool {
  readonly compiled: CompiledTool;
  readonly name: string;
  readonly version: number;
  readonly spec: ToolSpec;
  readonly scrub: ScrubPlan;
  readonly cost: CostRule;
}

/** Makes {@link PreparedTool}s, once for each compiled tool. */
@Injectable()
export class PreparedTools {
  // Weak: a version that nothing remembers any more takes its plans with it.
  readonly #prepared = new WeakMap<CompiledTool, PreparedTool>();

  of(compiled: CompiledTool): PreparedTool {
    const known = this.#prepared.get(compiled);
    if (known !== undefined) return known;
    const { name, version, spec } = compiled.tool;
    const made = {
      compiled,
      name,
      version,
      spec,
      scrub: compileScrub(spec.scrub),
      cost: CostRule.of(spec.cost),
    };
    this.#prepared.set(compiled, made);
    return made;
  }
}

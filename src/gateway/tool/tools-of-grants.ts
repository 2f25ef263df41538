import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Tx } from '../../database/transaction.js';
import type { GrantedTool } from '../../grant/granted-tool.js';
import { GrantedTools } from '../../grant/granted-tools.js';
import { Grants } from '../../grant/grants.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { escapePointer } from './json-schemas.js';
import { compileNarrowing } from './narrowing.js';
import { selectToolsNamed } from './tool-rows.js';
import type { ToolSpec } from './tool-spec.js';

/** Checks what grants say of tools before they are saved. */
@Injectable()
export class ToolsOfGrants extends GrantedTools implements OnModuleInit {
  constructor(private readonly grants: Grants) {
    super();
  }

  /** Called by Nest. */
  onModuleInit(): void {
    this.grants.whenToolsNamed(this);
  }

  async check(tx: Tx, granted: readonly GrantedTool[]): Promise<void> {
    const tools = await selectToolsNamed(
      tx,
      granted.map(({ name }) => name),
    );
    const specs = new Map(tools.map(({ name, spec }) => [name, spec]));
    granted.forEach((tool, index) => {
      const at = `/tools/${index}`;
      const spec = specs.get(tool.name);
      if (spec === undefined)
        throw new BrokerError('tool_unknown', { field: `${at}/name`, detail: `no tool ${tool.name}` });
      checkNarrowing(tool, at);
      for (const field of ['constants', 'allow'] as const)
        for (const pointer of Object.keys(tool[field] ?? {}))
          if (!isDeclared(spec, pointer))
            throw new BrokerError('request_invalid', {
              field: `${at}/${field}/${escapePointer(pointer)}`,
              detail: `is not a parameter of ${tool.name}`,
            });
    });
  }
}

function checkNarrowing(tool: GrantedTool, at: string): void {
  try {
    compileNarrowing(tool);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const { code, field = '', detail = 'does not compile' } = error;
    throw new BrokerError(code, { field: at + field, detail, cause: error });
  }
}

function isDeclared({ parameters }: ToolSpec, pointer: string): boolean {
  const [, place, name = ''] = pointer
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (place === 'body') return parameters.body !== undefined;
  if (place === 'header')
    return Object.keys(parameters.header).some((each) => each.toLowerCase() === name.toLowerCase());
  return (place === 'path' || place === 'query') && Object.hasOwn(parameters[place], name);
}

import type { Tool } from '@modelcontextprotocol/server';
import type { ToolSpec } from '../../gateway/tool/tool-spec.js';
import type { Granted } from './granted-form.js';
import { ToolForm } from './tool-form.js';

/** A tool as clients of the Model Context Protocol see it, and how to read what they fill in. */
export class DescribedTool {
  readonly form: ToolForm;
  readonly description: Tool;
  /** Whether answers are promised to have a structure. */
  readonly structured: boolean;

  constructor(spec: ToolSpec, granted?: Granted) {
    this.form = new ToolForm(spec, granted);
    const output = outputSchemaOf(spec);
    this.structured = output !== undefined;
    this.description = {
      name: spec.name,
      ...(spec.description === undefined ? {} : { description: spec.description }),
      // Schemas are compiled when the tool is written, so they are JSON.
      inputSchema: this.form.inputSchema,
      ...(output === undefined ? {} : { outputSchema: output }),
      annotations: annotationsOf(spec),
    };
  }
}

/** Only a checked answer that is an object is promised; the revision of 2025 knows no other, and a stream is not checked. */
function outputSchemaOf({ response }: ToolSpec): Tool['outputSchema'] | undefined {
  return response.stream || response.schema?.['type'] !== 'object'
    ? undefined
    : { ...response.schema, type: 'object' };
}

/** Hints by method (RFC 9110 §9.2); a POST may do anything. */
function annotationsOf({ method }: ToolSpec): NonNullable<Tool['annotations']> {
  const safe = method === 'GET' || method === 'HEAD';
  return {
    readOnlyHint: safe,
    ...(safe ? {} : { destructiveHint: true, idempotentHint: method === 'PUT' || method === 'DELETE' }),
    openWorldHint: true,
  };
}

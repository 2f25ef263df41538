import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { parse } from 'yaml';
import { BrokerError, hasCode } from '../../kernel/broker-error.js';
import { systemCaller, type Caller } from '../../kernel/caller.js';
import { Ids } from '../../kernel/ids.js';
import { Log } from '../../kernel/log.js';
import { Settings } from '../../settings/schema.js';
import { SettingsError } from '../../settings/settings-error.js';
import { ToolCatalogue } from './tool-catalogue.js';
import { reviewedTool } from './tool-review.js';
import type { ToolSpecInput } from './tool-spec.js';

const MOST_FILES = 1_000;
const MOST_BYTES = 262_144;
/** How often a file is tried again that another replica saved meanwhile. */
const MOST_TRIES = 3;

interface ToolFile {
  readonly file: string;
  readonly spec: ToolSpecInput;
}

/**
 * Brings the tools of the folder that the settings name into the catalogue, at start: creates what is missing, makes a
 * version of what differs. It removes nothing and enables nothing, since a file cannot say who decided that. All files
 * are read and checked before any is saved; one that is wrong stops the start.
 */
@Injectable()
export class ToolFiles implements OnApplicationBootstrap {
  constructor(
    private readonly settings: Settings,
    private readonly ids: Ids,
    private readonly log: Log,
    private readonly catalogue: ToolCatalogue,
  ) {}

  /** Called by Nest. */
  async onApplicationBootstrap(): Promise<void> {
    const { toolsFolder } = this.settings.values.gateway;
    if (toolsFolder !== undefined) await this.load(toolsFolder);
  }

  /** Reads a folder and saves what differs; answers the names of the tools that were created or changed. */
  async load(folder: string): Promise<readonly string[]> {
    const caller = systemCaller('tool-files', this.ids.uuid());
    const files = await readFolder(folder);
    const saved: string[] = [];
    for (const { file, spec } of files) {
      if (!(await this.save(caller, file, spec))) continue;
      saved.push(spec.name);
      this.log.info({ file, tool: spec.name }, 'a tool was saved from its file');
    }
    return saved;
  }

  private async save(caller: Caller, file: string, spec: ToolSpecInput): Promise<boolean> {
    for (let tries = 1; ; tries += 1) {
      try {
        const before = await this.catalogue.find(spec.name);
        if (before === undefined) {
          await this.catalogue.create(caller, spec);
          return true;
        }
        const after = await this.catalogue.change(caller, spec.name, spec, before.version);
        return after.version !== before.version;
      } catch (error) {
        // Replicas start together and read the same files.
        const raced = hasCode(error, 'name_taken') || hasCode(error, 'precondition_failed');
        if (!raced || tries >= MOST_TRIES) throw named(file, error);
      }
    }
  }
}

async function readFolder(folder: string): Promise<readonly ToolFile[]> {
  const key = 'gateway.toolsFolder';
  const entries = await readdir(folder).catch(() => {
    throw new SettingsError([{ key, problem: 'cannot be read' }]);
  });
  const names = entries.filter((name) => /\.ya?ml$/.test(name)).sort();
  if (names.length > MOST_FILES)
    throw new SettingsError([{ key, problem: `has more than ${MOST_FILES} files` }]);
  const files: ToolFile[] = [];
  for (const name of names) files.push(await readTool(join(folder, name)));
  const twice = files.find(
    ({ spec }, index) => files.findIndex((other) => other.spec.name === spec.name) < index,
  );
  if (twice !== undefined)
    throw new SettingsError([
      { key: twice.file, problem: `has the name of another tool, ${twice.spec.name}` },
    ]);
  return files;
}

async function readTool(file: string): Promise<ToolFile> {
  try {
    const text = await readFile(file, 'utf8');
    if (Buffer.byteLength(text) > MOST_BYTES) throw new Error(`is larger than ${MOST_BYTES} bytes`);
    return { file, spec: reviewedTool(parse(text, { maxAliasCount: 0 })) };
  } catch (error) {
    throw named(file, error);
  }
}

/** The failure with the file and the field in it, as whoever starts the broker reads it. */
function named(file: string, error: unknown): SettingsError {
  const problem =
    error instanceof BrokerError
      ? `${error.field ?? ''} ${error.detail ?? error.title}`.trim()
      : error instanceof Error
        ? (error.message.split('\n')[0] ?? '')
        : 'cannot be read';
  return new SettingsError([{ key: file, problem }]);
}

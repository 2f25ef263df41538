import { Injectable } from '@nestjs/common';
import type { Secret } from '../../kernel/secret.js';
import type { Finding } from '../scrub/finding.js';
import { Scrubber } from '../scrub/scrubber.js';
import type { ToolSpec } from '../tool/tool-spec.js';
import { refuseBlocked } from './checks/blocked.js';
import type { PreparedTool } from './prepared-tool.js';

/** What every caller may see of an answer's header. */
const ALWAYS = [
  'content-type',
  'content-language',
  'content-disposition',
  'etag',
  'last-modified',
  'retry-after',
] as const;

/** What never passes, even where a tool lists it: framing that is ours, cookies, and names that our own answers use. */
const NEVER: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'authentication-info',
  'set-cookie',
  'strict-transport-security',
  'alt-svc',
  'cache-control',
  'date',
  'server',
  'x-request-id',
  'ratelimit',
  'ratelimit-policy',
  'leasegate-call',
]);

/** Lets headers of answers through: few, and scrubbed like what they head. */
@Injectable()
export class AnswerHeaders {
  readonly #visible = new WeakMap<PreparedTool, readonly string[]>();

  constructor(private readonly scrubber: Scrubber) {}

  /** The headers that callers may see; findings are added. Refuses with `response_blocked`. */
  pass(
    tool: PreparedTool,
    secrets: readonly Secret[],
    headers: Readonly<Record<string, string>>,
    findings: Finding[],
  ): Readonly<Record<string, string>> {
    const picked: Record<string, string> = {};
    for (const name of this.#visibleOf(tool)) {
      const value = headers[name];
      if (value !== undefined) picked[name] = value;
    }
    const names = Object.keys(picked);
    // One look at all of them; they are rarely anything but clean.
    const all = Buffer.from(Object.values(picked).join('\n'), 'utf8');
    const mode = tool.spec.scrub.response;
    const seen = this.scrubber.scrubBody(tool.scrub, secrets, all, 'text/plain', mode);
    findings.push(...seen.findings);
    refuseBlocked(seen.blocked, seen.findings);
    if (seen.findings.length === 0 || mode === 'report') return picked;
    return Object.fromEntries(
      names.map((name) => {
        const value = Buffer.from(picked[name] ?? '', 'utf8');
        return [
          name,
          this.scrubber.scrubBody(tool.scrub, secrets, value, 'text/plain', mode).body.toString('utf8'),
        ];
      }),
    );
  }

  #visibleOf(tool: PreparedTool): readonly string[] {
    let names = this.#visible.get(tool);
    if (names === undefined) this.#visible.set(tool, (names = visibleHeaders(tool.spec)));
    return names;
  }
}

/** Which response headers callers of a tool may see, in lower case. */
export function visibleHeaders(spec: ToolSpec): readonly string[] {
  const listed = spec.response.headers.map((name) => name.toLowerCase());
  return [...new Set([...ALWAYS, ...listed])].filter((name) => !NEVER.has(name));
}

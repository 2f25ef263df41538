import { BrokerError } from '../kernel/broker-error.js';
import type { Grant } from '../grant/grant.js';

const GRANT = 'grant:';
const CREDENTIAL = 'credential:';
const TOOL = 'tool:';

/** What a `scope` parameter (RFC 6749 §3.3) asks for. */
export interface WantedScope {
  /** Name of the grant, if the scope names one. */
  readonly grant: string | undefined;
  /** Names of credentials and tools; both empty means all that the grant allows. */
  readonly credentials: readonly string[];
  readonly tools: readonly string[];
}

/**
 * Reads a scope: `grant:NAME` picks the grant, `credential:NAME` and `tool:NAME` narrow the run token. Refuses with
 * `scope_refused` what is none of them, and a second grant: to ignore either would give something else than was asked for.
 */
export function readScope(scope: string | undefined, grant: string | undefined): WantedScope {
  const items = [...new Set((scope ?? '').split(' ').filter((item) => item !== ''))];
  const grants = new Set(grant === undefined ? [] : [grant]);
  const credentials: string[] = [];
  const tools: string[] = [];
  for (const item of items) {
    if (item.startsWith(GRANT)) grants.add(item.slice(GRANT.length));
    else if (item.startsWith(CREDENTIAL)) credentials.push(item.slice(CREDENTIAL.length));
    else if (item.startsWith(TOOL)) tools.push(item.slice(TOOL.length));
    else throw refused('takes grant:NAME, credential:NAME and tool:NAME');
  }
  if (grants.size > 1) throw refused('names more than one grant');
  return { grant: [...grants][0], credentials, tools };
}

/**
 * The scope of a run token under a grant: the credentials and tools that were asked for, or nothing where the token is
 * not narrowed. Refuses with `scope_refused` a credential or tool that the grant does not have.
 */
export function narrowedScope(grant: Grant, wanted: WantedScope): readonly string[] {
  const granted = new Set(grant.spec.credentials.map(({ name }) => name));
  if (!wanted.credentials.every((name) => granted.has(name)))
    throw refused(`names a credential that grant ${grant.name} does not have`);
  const tools = new Set(grant.spec.tools.map(({ name }) => name));
  if (!wanted.tools.every((name) => tools.has(name)))
    throw refused(`names a tool that grant ${grant.name} does not have`);
  return [...wanted.credentials.map((name) => CREDENTIAL + name), ...wanted.tools.map((name) => TOOL + name)];
}

/** The scope as the answer says it: what the token may in fact be used for. */
export function effectiveScope(grant: Grant, narrowed: readonly string[]): string {
  const { credentials, tools } = grant.spec;
  const all = [...credentials.map(({ name }) => CREDENTIAL + name), ...tools.map(({ name }) => TOOL + name)];
  return [GRANT + grant.name, ...(narrowed.length > 0 ? narrowed : all)].join(' ');
}

function refused(detail: string): BrokerError {
  return new BrokerError('scope_refused', { field: 'scope', detail });
}

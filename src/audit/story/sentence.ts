type Data = Readonly<Record<string, unknown>>;

/** Parts of a run's story. */
export type Chapter =
  'identity' | 'grant' | 'run' | 'lease' | 'use' | 'call' | 'alert' | 'revocation' | 'beside' | 'other';

const CHAPTERS: Readonly<Record<string, Chapter>> = {
  exchange: 'identity',
  authentication: 'identity',
  authorization: 'identity',
  grant: 'grant',
  run: 'run',
  lease: 'lease',
  account: 'use',
  call: 'call',
  alert: 'alert',
  revocation: 'revocation',
  block: 'revocation',
  shadow: 'beside',
};

/** The part of the story that a kind of event belongs to. */
export function chapterOf(kind: string): Chapter {
  if (kind === 'lease.used') return 'use';
  return CHAPTERS[kind.slice(0, kind.indexOf('.'))] ?? 'other';
}

type Teller = (data: Data, event: Data) => string;

const TELLERS: Readonly<Record<string, Teller>> = {
  'exchange.accepted': (data) =>
    `The workload proved who it is and received a run token${valid(data)}${data['key_bound'] === true ? ', bound to its key' : ''}.`,
  'exchange.refused': (data, event) => `An exchange was refused${why(event, data)}.`,
  'run.opened': (data) => `The run was opened; it may last until ${text(data['deadline'])}.`,
  'run.closed': (data) => `The run was closed; ${count(data['leases'], 'lease')} had to end${reason(data)}.`,
  'run.revoked': (data) =>
    `The run was revoked; ${count(data['leases'], 'lease')} had to end${reason(data)}.`,
  'run.expired': (data) => `The run's time was over; ${count(data['leases'], 'lease')} had to end.`,
  'lease.requested': (data, event) =>
    `The grant allowed ${text(event['credential'])}: Vault was asked for ${text(data['kind'])} at ${text(data['mount'])}, for ${seconds(data['ttl_seconds'])}, delivered ${text(data['delivery'])}.`,
  'lease.issued': (data, event) => `${text(event['credential'])} was handed over${valid(data)}.`,
  'lease.failed': (data, event) => `${text(event['credential'])} could not be made${why(event, data)}.`,
  'lease.refused': (data, event) => `A lease of ${text(event['credential'])} was refused${why(event, data)}.`,
  'lease.renewed': (data, event) => `${text(event['credential'])} was renewed${valid(data)}.`,
  'lease.renewal_refused': (data, event) =>
    `${text(event['credential'])} was not renewed${why(event, data)}${data['usable_until'] === undefined ? '' : `; it works until ${text(data['usable_until'])}`}.`,
  'lease.revocation_requested': (data, event) =>
    `${text(event['credential'])} has to end: ${words(data['cause'])}${reason(data)}.`,
  'lease.revocation_failed': (data, event) =>
    `Ending ${text(event['credential'])} failed (attempt ${text(data['attempts'])}): ${text(data['detail'])}; next at ${text(data['next_attempt_at'])}.`,
  'lease.stuck': (data, event) =>
    `Ending ${text(event['credential'])} keeps failing (${text(data['attempts'])} attempts); it is tried all the same.`,
  'lease.forgotten': (data, event) =>
    `${text(event['credential'])} was given up, and nobody proved it dead${reason(data)}.`,
  'lease.ended': (data, event) =>
    `${text(event['credential'])} ended (${text(data['state'])}, ${words(data['cause'])}); proof: ${words(data['proof'])}.${data['secret_lives_on'] === true ? ' The secret itself still works.' : ''}`,
  'lease.orphaned': (_, event) =>
    `${text(event['credential'])} was left behind half made, and has to be looked for in Vault.`,
  'lease.lost': (data, event) =>
    `Vault no longer knew ${text(event['credential'])}: ${text(data['detail'])}.`,
  'lease.used': (data, event) =>
    `${text(event['credential'])} was used at Vault${data['path'] === undefined ? '' : ` on ${text(data['path'])}`}${data['count'] === undefined ? '' : ` (${count(data['count'], 'time')})`}.`,
  'account.connected': (data) =>
    `The leased user logged in${data['source'] === undefined ? '' : ` from ${text(data['source'])}`}.`,
  'call.started': (data, event) =>
    `${tool(event)}: ${text(data['method'])} to ${text(data['host'])} left (${text(data['request_bytes'])} bytes).`,
  'call.ended': (data, event) =>
    `${tool(event)} ended: ${text(data['result'])}${data['status'] === undefined ? '' : `, status ${text(data['status'])}`}${data['duration_ms'] === undefined ? '' : `, ${text(data['duration_ms'])} ms`}${why(event, data)}.`,
  'call.refused': (data, event) =>
    `${tool(event)} was refused by ${words(data['check'])}${why(event, data)}.`,
  'shadow.vault_read': (data) => `Vault saw ${text(data['path'])} read without a lease of ours.`,
  'grant.created': (data) => `The grant was written (version ${text(data['version'])}).`,
  'grant.changed': (data) => `The grant was changed (version ${text(data['version'])}).`,
  'grant.submitted': (data) => `Version ${text(data['version'])} of the grant was submitted for approval.`,
  'grant.approved': (data) => `Version ${text(data['version'])} of the grant was approved.`,
  'grant.activated': (data) => `Version ${text(data['version'])} of the grant was activated.`,
};

/** One sentence for people that says what an event says; of public fields alone, since others are HMACs. */
export function sentenceOf(event: Data): string {
  const kind = typeof event['kind'] === 'string' ? event['kind'] : 'unreadable';
  const data = member(event['data']);
  const teller = Object.hasOwn(TELLERS, kind) ? TELLERS[kind] : undefined;
  return teller?.(data, event) ?? `${words(kind)}${why(event, data)}.`;
}

/** Who did it, in one line: `system:NAME` for the broker's own work. */
export function actorText(event: Data): string {
  const actor = member(event['actor']);
  if (actor['type'] === 'system') return `system:${text(actor['name'])}`;
  return actor['type'] === 'anonymous' ? 'anonymous' : text(actor['subject']);
}

function tool(event: Data): string {
  return `Call of ${text(member(event['tool'])['name'])}`;
}

function why(event: Data, data: Data): string {
  const said = [event['code'], data['detail']].filter((part): part is string => typeof part === 'string');
  return said.length === 0 ? '' : `: ${said.join(', ')}`;
}

function reason(data: Data): string {
  return typeof data['reason'] === 'string' ? `: ${data['reason']}` : '';
}

function valid(data: Data): string {
  return data['expires_at'] === undefined ? '' : `, valid until ${text(data['expires_at'])}`;
}

function count(value: unknown, noun: string): string {
  const number = typeof value === 'number' ? value : 0;
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function seconds(value: unknown): string {
  return typeof value === 'number' ? count(value, 'second') : 'an unknown time';
}

function words(value: unknown): string {
  return text(value).replaceAll('_', ' ').replaceAll('+', ' and ');
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? 'something' : JSON.stringify(value);
}

function member(value: unknown): Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Data) : {};
}

/** The event classes of OCSF 1.8 that events of ours become. */
export const OCSF_CLASSES = {
  authentication: { class: 3_002, category: 3 },
  entity: { class: 3_004, category: 3 },
  api: { class: 6_003, category: 6 },
  finding: { class: 2_004, category: 2 },
} as const;

/** What an event of ours is in OCSF: its class, its activity, and for entities what is managed. */
export interface OcsfMapping {
  readonly of: keyof typeof OCSF_CLASSES;
  readonly activity: number;
  readonly entity?: string;
}

/** Activities, by the numbers of their classes; those of entities unless the name says another. */
const CREATE = 1;
const UPDATE = 3;
const DELETE = 4;
const OTHER = 99;
const LOGON = 1;
const API_READ = 2;
const FINDING_CLOSE = 3;

const VERBS: Readonly<Record<string, number>> = {
  created: CREATE,
  opened: CREATE,
  issued: CREATE,
  changed: UPDATE,
  submitted: UPDATE,
  approved: UPDATE,
  renewed: UPDATE,
  revoked: DELETE,
  expired: DELETE,
  closed: DELETE,
  ended: DELETE,
  lifted: DELETE,
  enabled: 8,
  disabled: 9,
  activated: 10,
  suspended: 12,
  resumed: 13,
};

/** Kinds whose first word names a thing that is managed. */
const ENTITIES: ReadonlySet<string> = new Set([
  ...['grant', 'credential', 'tool', 'run', 'lease', 'block', 'signing_key', 'silence', 'token', 'account'],
]);

/** Kinds that say that something was noticed which somebody should look at. */
const FINDINGS: Readonly<Record<string, OcsfMapping>> = {
  'alert.fired': { of: 'finding', activity: CREATE },
  'alert.resolved': { of: 'finding', activity: FINDING_CLOSE },
  'log.set_back': { of: 'finding', activity: CREATE },
  'lease.unknown_found': { of: 'finding', activity: CREATE },
  'token.unknown_found': { of: 'finding', activity: CREATE },
  'cost.difference_found': { of: 'finding', activity: CREATE },
};

const OTHERS: Readonly<Record<string, OcsfMapping>> = {
  'exchange.accepted': { of: 'authentication', activity: LOGON },
  'exchange.refused': { of: 'authentication', activity: LOGON },
  'authentication.accepted': { of: 'authentication', activity: LOGON },
  'authentication.refused': { of: 'authentication', activity: LOGON },
  'call.started': { of: 'api', activity: CREATE },
  'audit.read': { of: 'api', activity: API_READ },
  'audit.exported': { of: 'api', activity: API_READ },
  'audit.export_finished': { of: 'api', activity: API_READ },
};

/**
 * What a kind is in OCSF. Logins are Authentication, what happens to grants, credentials, tools, runs and leases is Entity
 * Management, what was found is Detection Finding, and everything else (calls, refusals, the broker's own work) is API
 * Activity.
 */
export function ocsfMapping(kind: string): OcsfMapping {
  const known = OTHERS[kind] ?? FINDINGS[kind];
  if (known !== undefined) return known;
  const [group = '', verb = ''] = kind.split('.');
  if (group === 'shadow' && verb !== 'imported') return { of: 'finding', activity: CREATE };
  if (ENTITIES.has(group)) return { of: 'entity', activity: VERBS[verb] ?? OTHER, entity: group };
  return { of: 'api', activity: OTHER };
}

import { z } from 'zod';
import { BrokerError } from '../kernel/broker-error.js';
import { dataAnswer, readAnswer } from './answers.js';
import type { BootstrapCredential } from './bootstrap/input.js';
import { tokenRoleDifferences } from './bootstrap/token-role.js';
import { PolicyTemplates } from './bootstrap/templates.js';
import { engineOf } from './engines.js';
import {
  auditRights,
  credentialRights,
  forbiddenLogWrites,
  forbiddenWrites,
  logRights,
  ownRights,
  tokenListRights,
  type LogPlaces,
  type NeededRight,
} from './rights-table.js';
import type { VaultClient, VaultCall } from './vault-client.js';
import type { LeaseTokenNames } from './vault-credential-source.js';
import { VaultError } from './vault-error.js';
import { vaultPath } from './vault-path.js';
import type { VaultSession } from './vault-session.js';

/** One line of `leasegate doctor`. */
export interface RightsCheck {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it; empty when all is well. */
  readonly fix: string;
}

const FIX = 'run `leasegate vault plan` and `leasegate vault apply` with an operator’s token';
const WRITES = ['root', 'create', 'update', 'patch', 'delete', 'sudo'];
const capabilityList = z.array(z.string());

/** Whether the broker's login may do what it has to, and nothing that it must not. */
export class VaultRights {
  readonly #templates = new PolicyTemplates();

  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
    private readonly names: LeaseTokenNames,
    /** Absent where the log is not signed. */
    private readonly log?: LogPlaces,
    /** Audit devices whose log is matched with leases. */
    private readonly devices: readonly string[] = [],
    /** Whether reconciliation looks for forgotten tokens. */
    private readonly listsTokens = false,
  ) {}

  /** Makes all checks for these credentials; a check that cannot be made is a failed one. Never rejects. */
  async check(credentials: readonly BootstrapCredential[]): Promise<readonly RightsCheck[]> {
    const groups = [
      this.#guarded('vault capabilities', () => this.#capabilities(credentials)),
      this.#guarded('vault token role', async () => [await this.#tokenRole()]),
      ...credentials.map((credential) =>
        this.#guarded(`vault policy ${credential.name}`, async () => [await this.#policy(credential)]),
      ),
      ...this.devices.map((device) =>
        this.#guarded(`vault audit device ${device}`, async () => [await this.#device(device)]),
      ),
      ...distinctMounts(credentials).map((credential) =>
        this.#guarded(`vault leases of ${credential.mount}`, async () => [await this.#mount(credential)]),
      ),
    ];
    return (await Promise.all(groups)).flat();
  }

  async #capabilities(credentials: readonly BootstrapCredential[]): Promise<readonly RightsCheck[]> {
    const { log } = this;
    const needed = [
      ...ownRights(this.names),
      ...(log === undefined ? [] : logRights(log)),
      ...auditRights(this.devices),
      ...(this.listsTokens ? tokenListRights() : []),
      ...credentials.flatMap(credentialRights),
    ];
    const unique = [...new Map(needed.map((right) => [right.path, right])).values()];
    const forbidden = [...forbiddenWrites(this.names), ...(log === undefined ? [] : forbiddenLogWrites(log))];
    const paths = [...unique.map(({ path }) => path), ...forbidden];
    const answer = await this.#ask({
      operation: 'capabilities',
      method: 'POST',
      path: 'sys/capabilities-self',
      body: { paths },
    });
    const { data } = readAnswer(dataAnswer, answer, 'capabilities');
    const had = (path: string): readonly string[] => capabilityList.catch([]).parse(data[path]);
    return [...unique.map((right) => neededCheck(right, had(right.path))), forbiddenCheck(forbidden, had)];
  }

  async #tokenRole(): Promise<RightsCheck> {
    const role = this.names.leaseTokenRole;
    const check = `vault token role ${role}`;
    const found = await this.#read(vaultPath('auth/token/roles', role));
    if (found === undefined) return failed(check, 'is not there');
    const differing = tokenRoleDifferences(found, this.names.policyPrefix);
    return differing.length === 0 ? passed(check) : failed(check, `differs in ${differing.join(', ')}`);
  }

  async #policy(credential: BootstrapCredential): Promise<RightsCheck> {
    const name = `${this.names.policyPrefix}${credential.name}`;
    const check = `vault policy ${name}`;
    const found = (await this.#read(vaultPath('sys/policies/acl', name)))?.['policy'];
    if (typeof found !== 'string')
      return failed(check, `is not there; leases of ${credential.name} will fail`);
    const same = found.trim() === this.#templates.credential(credential).trim();
    return same ? passed(check) : failed(check, 'differs from its template');
  }

  /** Rights on leases depend on the mount in the lease's id, which capabilities do not show; so one is tried. */
  async #mount({ kind, mount }: BootstrapCredential): Promise<RightsCheck> {
    const check = `vault leases of ${mount}`;
    const body = { lease_id: `${mount}/${engineOf(kind).segment}/leasegate-doctor/none` };
    try {
      await this.#ask({ operation: 'lookup_lease', method: 'POST', path: 'sys/leases/lookup', body });
    } catch (error) {
      if (!(error instanceof VaultError) || !error.says('invalid lease')) throw error;
    }
    return passed(check);
  }

  /** Capabilities do not say whether there is such a device; so it is asked for a hash. */
  async #device(device: string): Promise<RightsCheck> {
    const check = `vault audit device ${device}`;
    const path = vaultPath('sys/audit-hash', device);
    try {
      await this.#ask({ operation: 'audit_hash', method: 'POST', path, body: { input: 'doctor' } });
    } catch (error) {
      if (!(error instanceof VaultError) || error.httpStatus !== 400) throw error;
      return { ...failed(check, 'is not there'), fix: 'enable it at Vault, or name another in vaultAudit' };
    }
    return passed(check);
  }

  async #read(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      const answer = await this.#ask({ operation: 'doctor_read', method: 'GET', path });
      return readAnswer(dataAnswer, answer, 'doctor_read').data;
    } catch (error) {
      if (error instanceof VaultError && error.httpStatus === 404) return undefined;
      throw error;
    }
  }

  #ask(call: Omit<VaultCall, 'token'>): Promise<unknown> {
    return this.session.use((token) => this.client.call({ ...call, token }));
  }

  async #guarded(
    check: string,
    work: () => Promise<readonly RightsCheck[]>,
  ): Promise<readonly RightsCheck[]> {
    try {
      return await work();
    } catch (error) {
      const detail = error instanceof BrokerError ? (error.internal ?? error.title) : 'could not be checked';
      return [failed(check, detail)];
    }
  }
}

function neededCheck(right: NeededRight, had: readonly string[]): RightsCheck {
  const check = `vault right: ${right.capabilities.join(' and ')} on ${right.path}`;
  // A root token has every right; that it must not be one is the other check's.
  const missing = had.includes('root')
    ? []
    : right.capabilities.filter((capability) => !had.includes(capability));
  return missing.length === 0
    ? passed(check)
    : failed(check, `${missing.join(' and ')} is missing; needed for ${right.purpose}`);
}

function forbiddenCheck(paths: readonly string[], had: (path: string) => readonly string[]): RightsCheck {
  const check = 'vault right: no way to widen its own rights';
  const writable = paths.filter((path) => had(path).some((capability) => WRITES.includes(capability)));
  if (writable.length === 0) return passed(check);
  return failed(check, `the broker may write at ${writable.join(', ')}`);
}

function distinctMounts(credentials: readonly BootstrapCredential[]): readonly BootstrapCredential[] {
  const leasing = credentials.filter(({ kind }) => engineOf(kind).leases);
  return [
    ...new Map(leasing.map((credential) => [`${credential.kind} ${credential.mount}`, credential])).values(),
  ];
}

function passed(check: string): RightsCheck {
  return { check, ok: true, detail: 'as it should be', fix: '' };
}

function failed(check: string, detail: string): RightsCheck {
  return { check, ok: false, detail, fix: FIX };
}

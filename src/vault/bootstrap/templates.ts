import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engineOf } from '../engines.js';
import type { BootstrapCredential, BootstrapPlanInput } from './input.js';

/** Policies as text, made from the templates in `vault-policies/`. Input has been checked by its schema. */
export class PolicyTemplates {
  readonly #folder: string;

  constructor(folder: string = policyFolder()) {
    this.#folder = folder;
  }

  /** What the token of a lease of this credential may do. */
  credential(credential: BootstrapCredential): string {
    return this.#fill(`credential-${credential.kind}.hcl`, {
      NAME: credential.name,
      MOUNT: credential.mount,
      PATH: credential.path,
    });
  }

  /** What the broker itself may do. */
  broker(input: BootstrapPlanInput): string {
    const own = [
      this.#fill('broker.hcl', { TOKEN_ROLE: input.leaseTokenRole, POLICY_PREFIX: input.policyPrefix }),
      ...(input.log === undefined ? [] : [this.#log(input.log)]),
      ...input.auditDevices.map((device) => this.#fill('broker-audit.hcl', { DEVICE: device })),
    ].join('\n');
    const prefixes = [...input.credentials, ...input.formerMounts]
      .filter(({ kind }) => engineOf(kind).leases)
      .map(({ kind, mount }) => `"${mount}/${engineOf(kind).segment}/*"`);
    // An empty list would allow every lease of every mount, so without a mount there is no such right at all.
    if (prefixes.length === 0) return own;
    const LEASE_PREFIXES = [...new Set(prefixes)].sort().join(', ');
    return `${own}\n${this.#fill('broker-leases.hcl', { LEASE_PREFIXES })}`;
  }

  /** What reconciliation may do beside that. */
  reconciler(input: BootstrapPlanInput): string {
    const lists = input.credentials
      .filter(({ kind }) => engineOf(kind).leases)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, kind, mount, path }) =>
        this.#fill('reconciler-list.hcl', {
          NAME: name,
          MOUNT: mount,
          SEGMENT: engineOf(kind).segment,
          PATH: path,
        }),
      );
    const tokens = input.listTokens ? [this.#fill('reconciler-tokens.hcl', {})] : [];
    return [this.#fill('reconciler.hcl', {}), ...lists, ...tokens].join('');
  }

  #log({ transitMount, key, markMount, markPath }: NonNullable<BootstrapPlanInput['log']>): string {
    return this.#fill('broker-log.hcl', {
      TRANSIT_MOUNT: transitMount,
      LOG_KEY: key,
      MARK_MOUNT: markMount,
      MARK_PATH: markPath,
    });
  }

  #fill(file: string, values: Readonly<Record<string, string>>): string {
    const template = readFileSync(join(this.#folder, file), 'utf8');
    return template.replace(/@([A-Z_]+)@/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`${file} asks for ${name}, which is not known there`);
      return value;
    });
  }
}

/** The folder with the templates: beside the package's `package.json`, from the sources as from the build. */
function policyFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'vault-policies');
    if (existsSync(join(candidate, 'broker.hcl'))) return candidate;
    if (folder === dirname(folder))
      throw new Error('the folder vault-policies is missing from this installation');
  }
}

import { randomBytes } from 'node:crypto';
import { MARK_PATH, type BrokerLogin, type VaultNames } from './bootstrap.js';
import { DEV_AUDIENCE, DEV_CLIENT_ID, DEV_ISSUER_NAME } from './issuer-names.js';

/** What a broker of an evaluation runs on. */
export interface BrokerParts {
  readonly databaseUrl: string;
  readonly vaultAddress: string;
  readonly names: VaultNames;
  readonly login: BrokerLogin;
  readonly issuerUrl: string;
  readonly port: number;
}

/** Settings as a settings file has them; every value that a part decides, and no other. */
export interface BrokerSettings {
  readonly [section: string]: unknown;
}

/** Settings of a broker on these parts. They hold secrets: keep them in files that only their owner can read. */
export function brokerSettings(parts: BrokerParts): BrokerSettings {
  return {
    server: { host: '127.0.0.1', port: parts.port, publicUrl: `http://127.0.0.1:${parts.port}` },
    database: { url: parts.databaseUrl },
    vault: {
      address: parts.vaultAddress,
      login: {
        method: 'approle',
        mount: parts.names.approleMount,
        roleId: parts.login.roleId,
        secretId: parts.login.secretId,
      },
      leaseTokenRole: parts.names.leaseTokenRole,
      policyPrefix: parts.names.policyPrefix,
    },
    issuers: [
      {
        name: DEV_ISSUER_NAME,
        url: parts.issuerUrl,
        audience: DEV_AUDIENCE,
        allowPrivateAddress: true,
        usableFor: ['workload', 'admin'],
        login: { clientId: DEV_CLIENT_ID },
        roles: ['admin', 'approver', 'auditor', 'operator'].map((role) => ({
          role,
          claims: { roles: role },
        })),
      },
    ],
    audit: {
      hmacKey: randomBytes(32).toString('hex'),
      log: {
        signing: {
          mount: parts.names.log.transit,
          key: parts.names.log.key,
          highWater: { mount: parts.names.log.mark, path: MARK_PATH },
        },
      },
    },
  };
}

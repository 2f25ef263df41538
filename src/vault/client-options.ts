import type { SettingsValues } from '../settings/schema.js';
import type { VaultClientOptions } from './vault-client.js';

/** What the client needs of the settings, and not the login that is beside it. */
export function clientOptions(vault: SettingsValues['vault']): VaultClientOptions {
  const { address, redirectAddresses, namespace, timeoutMs, connections } = vault;
  const { caFile, clientCertFile, clientKeyFile } = vault;
  return {
    address,
    redirectAddresses,
    namespace,
    timeoutMs,
    connections,
    caFile,
    clientCertFile,
    clientKeyFile,
  };
}

import { Secret } from '../../kernel/secret.js';
import { textField, unusable, type CredentialFields } from './field.js';
import type { Addition } from './injected.js';
import type { Way } from './plain-secrets.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;

/**
 * A client certificate for mutual TLS, as Vault's PKI engine answers it. The chain goes along with the certificate,
 * so that a server which knows only the root can verify it; it says nothing about which servers are trusted.
 */
export function clientCertificate(spec: Way<'client-certificate'>, fields: CredentialFields): Addition {
  const leaf = textField(fields, spec.certificate_field);
  const key = textField(fields, spec.key_field);
  if (!CERTIFICATE.test(leaf)) throw unusable(`its field ${spec.certificate_field} is not a PEM certificate`);
  if (!PRIVATE_KEY.test(key)) throw unusable(`its field ${spec.key_field} is not a PEM private key`);
  const chain = spec.ca_chain_field === undefined ? [] : chainOf(fields, spec.ca_chain_field);
  const cert = [leaf, ...chain].map((pem) => pem.trimEnd()).join('\n');
  return { secrets: [Secret.of(key)], clientCertificate: Secret.of({ cert, key }) };
}

/** Vault answers `ca_chain` as a list and `issuing_ca` as text. */
function chainOf(fields: CredentialFields, name: string): readonly string[] {
  const chain = fields[name];
  if (!Array.isArray(chain)) return [textField(fields, name)];
  if (chain.every((pem): pem is string => typeof pem === 'string')) return chain;
  throw unusable(`its field ${name} is not a list of PEM certificates`);
}

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** How far a tool may reach. */
export interface Reach {
  /** Private, unique-local, shared and loopback addresses, too: the tool names an internal host. */
  readonly internal: boolean;
}

/** Ranges that a tool may reach only when it is internal. */
const INTERNAL_RANGES: ReadonlySet<string> = new Set([
  'private',
  'loopback',
  'carrierGradeNat',
  'uniqueLocal',
]);

/** The only block that IANA hands out unicast addresses of IPv6 from (RFC 4291 §2.4 and the IANA registry). */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * What `ipaddr.js` does not class, or classes by a name that may change: the IANA special-purpose registries
 * (RFC 6890 and its updates). None of it is ever connected to, internal or not.
 */
const NEVER_IPV4 = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map((range) => ipaddr.IPv4.parseCIDR(range));

const NEVER_IPV6 = [
  '::/128',
  '::/96',
  '::ffff:0:0/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '100:0:0:1::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
  '5f00::/16',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
].map((range) => ipaddr.IPv6.parseCIDR(range));

/** Where clouds answer with the credentials of a machine, outside of the ranges above. */
const METADATA: ReadonlySet<string> = new Set([
  '100.100.100.200',
  '168.63.129.16',
  'fd00:ec2::23',
  'fd00:ec2::254',
  'fd20:ce::254',
]);

/**
 * Whether an address may be connected to. False for everything that is not an address in its plain spelling, for every
 * special-purpose range, and for IPv6 addresses that carry an IPv4 address. Our own addresses are not known here.
 */
export function isAllowedAddress(address: string, reach: Reach): boolean {
  const family = isIP(address);
  if (family === 4) return isAllowedIpv4(ipaddr.IPv4.parse(address), reach);
  if (family === 6 && !address.includes('%')) return isAllowedIpv6(ipaddr.IPv6.parse(address), reach);
  return false;
}

/** The one spelling of an address, for comparing; an IPv4 address mapped into IPv6 becomes IPv4. */
export function canonicalAddress(address: string): string {
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
}

function isAllowedIpv4(address: ipaddr.IPv4, { internal }: Reach): boolean {
  if (METADATA.has(address.toString()) || NEVER_IPV4.some((range) => address.match(range))) return false;
  // Loopback is asked for here and not by table, since internal tools may have it: only 127.0.0.0/8.
  const range = address.range();
  return range === 'unicast' || (internal && INTERNAL_RANGES.has(range));
}

function isAllowedIpv6(address: ipaddr.IPv6, { internal }: Reach): boolean {
  const text = address.toRFC5952String();
  if (text === '::1') return internal;
  if (METADATA.has(text) || NEVER_IPV6.some((range) => address.match(range)) || isIsatap(address))
    return false;
  const range = address.range();
  if (internal && INTERNAL_RANGES.has(range)) return true;
  return range === 'unicast' && address.match(GLOBAL_IPV6);
}

/** ISATAP (RFC 5214 §6.1) has an IPv4 address in its last 32 bits. */
function isIsatap(address: ipaddr.IPv6): boolean {
  const [high, low] = [address.parts[4], address.parts[5]];
  return (high === 0 || high === 0x200) && low === 0x5efe;
}

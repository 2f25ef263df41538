import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';
import { BrokerError } from '../../kernel/broker-error.js';

/** A host in the one spelling that is used from here on. */
export interface ParsedHost {
  readonly kind: 'name' | 'ipv4' | 'ipv6';
  /** A lower-case ASCII name without trailing dot, dotted IPv4, or IPv6 as RFC 5952 spells it, without brackets. */
  readonly host: string;
}

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
const LONGEST_NAME = 253;
const NOT_ASCII = /[^\x00-\x7f]/;
const ASCII = /[\x00-\x7f]/;

/**
 * Reads the host of a URL as somebody wrote it, before any URL parser has made something else of it. Only plain
 * spellings pass: no userinfo, port, percent-encoding, zone id, IPv4 in octal, hexadecimal or with parts missing, IPv4
 * inside IPv6, trailing dot after an address, or characters that Unicode maps onto others. One trailing dot of a name
 * is dropped; an internationalised name becomes its ASCII form (UTS 46).
 *
 * @throws BrokerError `destination_refused`, whose detail says why and does not repeat the host.
 */
export function parseHost(text: string): ParsedHost {
  if (text.startsWith('[')) return parseBracketed(text);
  const bad = /[^\p{L}\p{M}\p{N}._-]/u.exec(text);
  if (bad !== null) throw refused('the host has a character that no host has');
  const name = asciiOf(text);
  const labels = (name.endsWith('.') ? name.slice(0, -1) : name).split('.');
  // What a URL parser would take for a number becomes an IPv4 address there: `0x7f.1`, `2130706433`, `127.1`.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return parseIpv4(text);
  const host = labels.join('.');
  if (host.length > LONGEST_NAME || !labels.every((label) => LABEL.test(label))) {
    throw refused('the host is not a name that DNS takes');
  }
  return { kind: 'name', host };
}

function parseIpv4(text: string): ParsedHost {
  // `isIPv4` takes neither leading zeros nor fewer than four parts.
  if (!isIPv4(text)) throw refused('an IPv4 address is written as four plain decimal numbers');
  return { kind: 'ipv4', host: text };
}

function parseBracketed(text: string): ParsedHost {
  const inside = text.slice(1, -1);
  if (!text.endsWith(']') || inside.includes('%') || inside.includes('.') || !isIPv6(inside)) {
    throw refused('an IPv6 address is written in hexadecimal groups, without a zone');
  }
  return { kind: 'ipv6', host: ipaddr.IPv6.parse(inside).toRFC5952String() };
}

function asciiOf(text: string): string {
  if (!NOT_ASCII.test(text)) {
    const lower = text.toLowerCase();
    // A label that claims to be Punycode has to be, or two readers see two names.
    if (lower.includes('xn--') && domainToASCII(lower) !== lower) throw refused('the host is not valid IDNA');
    return lower;
  }
  const ascii = domainToASCII(text);
  if (!ascii.includes('xn--') || [...text].some(standsForAscii)) {
    throw refused('the host is not a plain internationalised name');
  }
  return ascii;
}

/** Full-width, circled and other letters that mean plain ones: a name that needs them is written to deceive. */
function standsForAscii(character: string): boolean {
  return NOT_ASCII.test(character) && ASCII.test(character.normalize('NFKC').toLowerCase());
}

function refused(detail: string): BrokerError {
  return new BrokerError('destination_refused', { detail });
}

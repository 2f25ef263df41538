import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';

/** The algorithm byte of an Ed25519 key, https://c2sp.org/signed-note. */
const ED25519 = 0x01;
/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410 §4). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** A key that signs notes. */
export interface NoteKey {
  /** Without white space and `+`. */
  readonly name: string;
  /** Eight hex digits, made from name and key. */
  readonly id: string;
  /** The 32 bytes of an Ed25519 public key. */
  readonly publicKey: Buffer;
}

/** One signature line of a note. */
export interface NoteSignature {
  readonly name: string;
  readonly id: string;
  readonly signature: Buffer;
}

/** A note taken apart; nothing of it has been verified. */
export interface Note {
  /** Ends with a line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key with its id. Throws unless these are 32 bytes and a name that a note can carry. */
export function noteKey(name: string, publicKey: Buffer): NoteKey {
  if (publicKey.length !== 32) throw new RangeError('an Ed25519 public key has 32 bytes');
  if (!/^[^\s+]+$/u.test(name)) throw new RangeError('the name of a key has no white space and no +');
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]), 'hex');
  return { name, id: id.slice(0, 8), publicKey };
}

/** The key as a line that verifiers read: `name+id+base64`. */
export function keyLine({ name, id, publicKey }: NoteKey): string {
  return `${name}+${id}+${Buffer.concat([Buffer.of(ED25519), publicKey]).toString('base64')}`;
}

/** The key that such a line names; undefined when it is none, or its id is that of another. */
export function keyOfLine(line: string): NoteKey | undefined {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u.exec(line) ?? [];
  if (name === undefined || encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== ED25519) return undefined;
  const key = noteKey(name, bytes.subarray(1));
  return key.id === id ? key : undefined;
}

/** A note with its signatures, https://c2sp.org/signed-note. `text` ends with a line feed. */
export function noteOf(text: string, signatures: readonly NoteSignature[]): string {
  const lines = signatures.map(
    ({ name, id, signature }) =>
      `\u2014 ${name} ${Buffer.concat([Buffer.from(id, 'hex'), signature]).toString('base64')}\n`,
  );
  return `${text}\n${lines.join('')}`;
}

/** Takes a note apart; undefined when it is none. */
export function parseNote(note: string): Note | undefined {
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return undefined;
  const signatures = note
    .slice(split + 2, -1)
    .split('\n')
    .map(signatureOf);
  return signatures.every((signature) => signature !== undefined)
    ? { text: note.slice(0, split + 1), signatures }
    : undefined;
}

function signatureOf(line: string): NoteSignature | undefined {
  const [, name, encoded] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+=*)$/u.exec(line) ?? [];
  if (name === undefined || encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length < 5) return undefined;
  return { name, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) };
}

/**
 * The keys among these that signed the note. A line of an unknown key counts for nothing; a line of a known one that
 * does not verify makes the whole note bad, and the answer is empty.
 */
export function signersOf({ text, signatures }: Note, keys: readonly NoteKey[]): readonly NoteKey[] {
  const signers: NoteKey[] = [];
  for (const { name, id, signature } of signatures) {
    const key = keys.find((known) => known.name === name && known.id === id);
    if (key === undefined) continue;
    if (!verify(null, Buffer.from(text), keyObject(key), signature)) return [];
    signers.push(key);
  }
  return signers;
}

function keyObject({ publicKey }: NoteKey): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
}

import { generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate with its key, in PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateShape {
  /** DNS names and addresses; the first is the common name, too. */
  readonly names: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Leaves the alternative names out, as certificates of long ago did. */
  readonly commonNameOnly?: boolean;
}

const DAY_MS = 86_400_000;
const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
} as const;

/** A certificate authority of one test: ECDSA P-256, made by hand in DER (RFC 5280), nothing but Node needed. */
export class TestCa {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #name: string;
  /** The CA's own certificate, PEM. */
  readonly cert: string;

  constructor(name = 'test authority') {
    this.#name = name;
    this.cert = this.#certificate(this.#keys.publicKey, { names: [name] }, true);
  }

  /** A certificate for names and addresses, good for a day unless told. */
  issue(shape: CertificateShape): TestCertificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      cert: this.#certificate(publicKey, shape, false),
      key: pem(privateKey),
    };
  }

  /** A certificate that nobody vouches for but itself. */
  static selfSigned(shape: CertificateShape): TestCertificate {
    const itself = new TestCa(shape.names[0]);
    const { publicKey, privateKey } = itself.#keys;
    return { cert: itself.#certificate(publicKey, shape, false), key: pem(privateKey) };
  }

  #certificate(publicKey: KeyObject, shape: CertificateShape, authority: boolean): string {
    const { notBefore = new Date(Date.now() - DAY_MS), notAfter = new Date(Date.now() + DAY_MS) } = shape;
    const algorithm = sequence(oid(OID.ecdsaWithSha256));
    const extensions =
      authority || shape.commonNameOnly === true
        ? extension(
            OID.basicConstraints,
            sequence(...(authority ? [der(0x01, Buffer.from([0xff]))] : [])),
            true,
          )
        : extension(OID.subjectAltName, sequence(...shape.names.map(alternativeName)), false);
    const body = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
      algorithm,
      distinguishedName(this.#name),
      sequence(time(notBefore), time(notAfter)),
      distinguishedName(authority ? this.#name : (shape.names[0] ?? 'nobody')),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(extensions)),
    );
    const signature = sign('sha256', body, this.#keys.privateKey);
    const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
    return new X509Certificate(whole).toString();
  }
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(OID.commonName), der(0x0c, Buffer.from(commonName)))));
}

function time(date: Date): Buffer {
  return der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
}

function extension(name: string, value: Buffer, critical: boolean): Buffer {
  const flag = critical ? [der(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(name), ...flag, der(0x04, value));
}

function alternativeName(name: string): Buffer {
  const family = isIP(name);
  if (family === 0) return der(0x82, Buffer.from(name));
  return der(0x87, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name));
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

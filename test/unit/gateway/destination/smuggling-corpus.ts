/** An answer, byte for byte, and what becomes of it. */
export interface AnswerCase {
  readonly name: string;
  readonly bytes: string;
  /** The server ends the connection behind it. */
  readonly ends?: boolean;
  /** The method asked with; GET unless told. */
  readonly method?: 'HEAD' | 'GET';
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const SECOND = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';

function cases(entries: Readonly<Record<string, string>>, more: Partial<AnswerCase> = {}): AnswerCase[] {
  return Object.entries(entries).map(([name, bytes]) => ({ name, bytes, ...more }));
}

/** Answers that two readers may read in two ways, or that are no HTTP. */
export const REFUSED_ANSWERS: readonly AnswerCase[] = [
  ...cases({
    // Two ways of saying where it ends
    'length, then chunked': `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunked, then length': `${OK}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunked and length 0': `${OK}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n${SECOND}`,
    'lower-case pair': `${OK}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'length twice, equal': `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`,
    'length twice, different': `${OK}Content-Length: 2\r\nContent-Length: 40\r\n\r\nhi${SECOND}`,
    'length twice, first longer': `${OK}Content-Length: 40\r\nContent-Length: 2\r\n\r\nhi${SECOND}`,
    'list of lengths': `${OK}Content-Length: 2, 2\r\n\r\nhi`,
    'length with plus': `${OK}Content-Length: +2\r\n\r\nhi`,
    'length with minus': `${OK}Content-Length: -2\r\n\r\nhi`,
    'length in hexadecimal': `${OK}Content-Length: 0x2\r\n\r\nhi`,
    'length with a point': `${OK}Content-Length: 2.0\r\n\r\nhi`,
    'length with exponent': `${OK}Content-Length: 2e0\r\n\r\nhi`,
    'length with underscore': `${OK}Content-Length: 1_0\r\n\r\nhi`,
    'empty length': `${OK}Content-Length:\r\n\r\nhi`,
    'length beyond numbers': `${OK}Content-Length: 99999999999999999999999\r\n\r\nhi`,
    'length of 2^64 and 2': `${OK}Content-Length: 18446744073709551618\r\n\r\nhi`,
    'length with a space in it': `${OK}Content-Length: 1 2\r\n\r\nhi`,
    'length with vertical tab': `${OK}Content-Length: \x0b2\r\n\r\nhi`,
    'length with NUL': `${OK}Content-Length: 2\0\r\n\r\nhi`,
    'space before the colon of length': `${OK}Content-Length : 2\r\n\r\nhi`,
    'tab before the colon of length': `${OK}Content-Length\t: 2\r\n\r\nhi`,
    // Transfer codings
    'gzip, chunked': `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'gzip and chunked in two headers': `${OK}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunked, gzip': `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunked, chunked': `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunked twice': `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    identity: `${OK}Transfer-Encoding: identity\r\n\r\nhi`,
    'identity, chunked': `${OK}Transfer-Encoding: identity, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    xchunked: `${OK}Transfer-Encoding: xchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    chunkedx: `${OK}Transfer-Encoding: chunkedx\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'quoted chunked': `${OK}Transfer-Encoding: "chunked"\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunked with parameter': `${OK}Transfer-Encoding: chunked;a=b\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunked with vertical tab': `${OK}Transfer-Encoding: \x0bchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunked with comma': `${OK}Transfer-Encoding: ,chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'empty transfer coding': `${OK}Transfer-Encoding:\r\n\r\nhi`,
    'space before the colon of the coding': `${OK}Transfer-Encoding : chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'coding and length behind a fold': `${OK}X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nhi`,
    // Line ends
    'bare LF behind the status': 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi',
    'bare LF behind a header': `${OK}Content-Length: 2\nX: 1\r\n\r\nhi`,
    'bare LF hides a coding': `${OK}X: a\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nhi`,
    'bare LF before the body': `${OK}Content-Length: 2\r\n\nhi`,
    'bare LF everywhere': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi',
    'bare CR in a value': `${OK}X: a\rb\r\nContent-Length: 2\r\n\r\nhi`,
    'bare CR hides a length': `${OK}X: a\rContent-Length: 40\r\nContent-Length: 2\r\n\r\nhi`,
    'bare CR behind the status': 'HTTP/1.1 200 OK\rContent-Length: 2\r\n\r\nhi',
    'CR CR LF': `${OK}X: a\r\r\nContent-Length: 2\r\n\r\nhi`,
    // Folded lines
    'folded value': `${OK}X: a\r\n b\r\nContent-Length: 2\r\n\r\nhi`,
    'folded with tab': `${OK}X: a\r\n\tb\r\nContent-Length: 2\r\n\r\nhi`,
    'folded coding': `${OK}Transfer-Encoding:\r\n chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'folded length': `${OK}Content-Length:\r\n 2\r\n\r\nhi`,
    'fold behind the status': `${OK} X: a\r\nContent-Length: 2\r\n\r\nhi`,
    // Characters
    'NUL in a value': `${OK}X: a\0b\r\nContent-Length: 2\r\n\r\nhi`,
    'NUL in a name': `${OK}X\0: a\r\nContent-Length: 2\r\n\r\nhi`,
    'control character in a value': `${OK}X: a\x01b\r\nContent-Length: 2\r\n\r\nhi`,
    'DEL in a value': `${OK}X: a\x7fb\r\nContent-Length: 2\r\n\r\nhi`,
    'space in a name': `${OK}X Y: a\r\nContent-Length: 2\r\n\r\nhi`,
    'empty name': `${OK}: a\r\nContent-Length: 2\r\n\r\nhi`,
    'no colon': `${OK}Foo\r\nContent-Length: 2\r\n\r\nhi`,
    'brackets in a name': `${OK}X[a]: a\r\nContent-Length: 2\r\n\r\nhi`,
    'high bytes in a name': `${OK}X\xe9: a\r\nContent-Length: 2\r\n\r\nhi`,
    // Chunks
    'chunk size with plus': `${CHUNKED}+2\r\nhi\r\n0\r\n\r\n`,
    'chunk size with minus': `${CHUNKED}-1\r\nhi\r\n0\r\n\r\n`,
    'chunk size with 0x': `${CHUNKED}0x2\r\nhi\r\n0\r\n\r\n`,
    'chunk size with space': `${CHUNKED}2 \r\nhi\r\n0\r\n\r\n`,
    'chunk size behind space': `${CHUNKED} 2\r\nhi\r\n0\r\n\r\n`,
    'chunk size with underscore': `${CHUNKED}0_2\r\nhi\r\n0\r\n\r\n`,
    'empty chunk size': `${CHUNKED}\r\nhi\r\n0\r\n\r\n`,
    'chunk size beyond numbers': `${CHUNKED}10000000000000002\r\nhi\r\n0\r\n\r\n`,
    'chunk extension with bare LF': `${CHUNKED}2;a=\nb\r\nhi\r\n0\r\n\r\n`,
    'chunk extension without name': `${CHUNKED}2;\r\nhi\r\n0\r\n\r\n`,
    'chunks with bare LF': `${CHUNKED}2\nhi\n0\n\n`,
    'bare LF behind data': `${CHUNKED}2\r\nhi\n0\r\n\r\n`,
    'bare CR behind size': `${CHUNKED}2\rhi\r\n0\r\n\r\n`,
    'more data than the size says': `${CHUNKED}2\r\nhiX\r\n0\r\n\r\n`,
    'less data than the size says': `${CHUNKED}5\r\nhi\r\n0\r\n\r\n${SECOND}`,
    'length in the trailer': `${CHUNKED}2\r\nhi\r\n0\r\nContent-Length: 5\r\n\r\n`,
    'fold in the trailer': `${CHUNKED}2\r\nhi\r\n0\r\nX: a\r\n b\r\n\r\n`,
    'bare LF in the trailer': `${CHUNKED}2\r\nhi\r\n0\r\nX: a\n\r\n`,
    // Start lines
    'no HTTP': 'hi there',
    'HTTP/0.9': '<html>hi</html>\r\n',
    'lower-case version': 'http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    'version 1.2': 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    'version 1.10': 'HTTP/1.10 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    'version 3.0': 'HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    'an SSH server': 'SSH-2.0-OpenSSH_9.6\r\n',
    'an SMTP server': '220 mail.example ESMTP\r\n',
    'a Redis server': "-ERR unknown command 'GET'\r\n",
    'status 099': 'HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nhi',
    'status 000': 'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nhi',
    'status 600': 'HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nhi',
    'status 999': 'HTTP/1.1 999 OK\r\nContent-Length: 2\r\n\r\nhi',
    'status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nhi',
    'status of four digits': 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi',
    'status with sign': 'HTTP/1.1 +200 OK\r\nContent-Length: 2\r\n\r\nhi',
    'a request': 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    // Ambiguous heads
    'content type twice': `${OK}Content-Type: text/plain\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi`,
    'location twice': `HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n`,
    'content range twice': `${OK}Content-Range: bytes 0-1/2\r\nContent-Range: bytes 1-2/2\r\nContent-Length: 2\r\n\r\nhi`,
    'no content, with a length': 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi',
    'no content, chunked':
      'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    // Size
    'a header of 40 KiB': `${OK}X: ${'a'.repeat(40_960)}\r\nContent-Length: 2\r\n\r\nhi`,
    'a name of 40 KiB': `${OK}${'a'.repeat(40_960)}: x\r\nContent-Length: 2\r\n\r\nhi`,
    '200 headers': `${OK}${'X: a\r\n'.repeat(200)}Content-Length: 2\r\n\r\nhi`,
    'trailers of 40 KiB': `${CHUNKED}2\r\nhi\r\n0\r\nX: ${'a'.repeat(40_960)}\r\n\r\n`,
    // Interim answers and upgrades
    'continue that nobody asked for': `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    'early hints without end': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20)}${OK}Content-Length: 2\r\n\r\nhi`,
    'early hints with a body': `HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\nhi${OK}Content-Length: 2\r\n\r\nhi`,
    'switching protocols': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhi',
    'switching without upgrade': `HTTP/1.1 101 Switching Protocols\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
  }),
  ...cases(
    {
      'shorter than its length': `${OK}Content-Length: 20\r\n\r\nhi`,
      'chunks without the last': `${CHUNKED}2\r\nhi\r\n`,
      'half of a chunk': `${CHUNKED}5\r\nhi`,
      'half of a head': `${OK}Content-Len`,
      nothing: '',
      'only a status': 'HTTP/1.1 200 OK\r\n',
    },
    { ends: true },
  ),
];

/** Answers that are unusual and right; the body is `hi` unless there is none. */
export const TAKEN_ANSWERS: readonly (AnswerCase & { readonly body: string })[] = [
  ...cases({
    'a length': `${OK}Content-Length: 2\r\n\r\nhi`,
    'a length with spaces around': `${OK}Content-Length:   2 \r\n\r\nhi`,
    'a length with leading zeros': `${OK}Content-Length: 002\r\n\r\nhi`,
    chunks: `${CHUNKED}1\r\nh\r\n1\r\ni\r\n0\r\n\r\n`,
    CHUNKED: `${OK}TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    'chunk extensions': `${CHUNKED}2;a=b;c="d"\r\nhi\r\n0\r\n\r\n`,
    'chunk size with zeros': `${CHUNKED}0002\r\nhi\r\n0\r\n\r\n`,
    trailers: `${CHUNKED}2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n`,
    'no reason phrase': 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi',
    'early hints': `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    processing: `HTTP/1.1 102 Processing\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    'an offer to upgrade': `${OK}Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nhi`,
    'high bytes in a value': `${OK}X: \xc3\xa9\r\nContent-Length: 2\r\n\r\nhi`,
    'empty value': `${OK}X:\r\nContent-Length: 2\r\n\r\nhi`,
    'a header called __proto__': `${OK}__proto__: a\r\nconstructor: b\r\nContent-Length: 2\r\n\r\nhi`,
    'a header twice': `${OK}Vary: a\r\nVary: b\r\nContent-Length: 2\r\n\r\nhi`,
    'a second answer behind it': `${OK}Content-Length: 2\r\n\r\nhi${SECOND}`,
    'rubbish behind it': `${OK}Content-Length: 2\r\n\r\nhi\0\0\0\0`,
    'a chunked one with a second behind it': `${CHUNKED}2\r\nhi\r\n0\r\n\r\n${SECOND}`,
  }).map((entry) => ({ ...entry, body: 'hi' })),
  ...cases(
    { 'to the end of the connection': `${OK}\r\nhi`, 'HTTP/1.0': 'HTTP/1.0 200 OK\r\n\r\nhi' },
    { ends: true },
  ).map((entry) => ({ ...entry, body: 'hi' })),
  ...cases({
    'not modified, with the length of what it was': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n',
    'no content': 'HTTP/1.1 204 No Content\r\n\r\n',
    'no content with a second answer behind it': `HTTP/1.1 204 No Content\r\n\r\n${SECOND}`,
  }).map((entry) => ({ ...entry, body: '' })),
  ...cases(
    {
      'HEAD with a length': `${OK}Content-Length: 20\r\n\r\n`,
      'HEAD with a body all the same': `${OK}Content-Length: 4\r\n\r\nevil`,
      'HEAD with a second answer': `${OK}Content-Length: 20\r\n\r\n${SECOND}`,
    },
    { method: 'HEAD' },
  ).map((entry) => ({ ...entry, body: '' })),
];

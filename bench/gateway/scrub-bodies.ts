const WORDS =
  'account balance customer delivery estimate feature gateway invoice journal keyword ledger message network order payment quality request service ticket update version warehouse'.split(
    ' ',
  );

/** Numbers that look random and are the same in every run (Lehmer, modulus 2^31 - 1). */
export class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state % limit;
  }

  hex(length: number): string {
    let text = '';
    while (text.length < length) text += this.below(16).toString(16);
    return text;
  }

  words(count: number): string {
    return Array.from({ length: count }, () => WORDS[this.below(WORDS.length)]).join(' ');
  }
}

/** An answer as an API of orders would give it: identifiers, times, URLs, amounts, sentences; nothing to find. */
export function plainJson(bytes: number): Buffer {
  return filled(bytes, (numbers) => {
    const id = `${numbers.hex(8)}-${numbers.hex(4)}-4${numbers.hex(3)}-a${numbers.hex(3)}-${numbers.hex(12)}`;
    return JSON.stringify({
      id,
      object: 'order',
      created: 1_700_000_000 + numbers.below(90_000_000),
      updated_at: `2026-11-${10 + numbers.below(20)}T0${numbers.below(10)}:15:${10 + numbers.below(50)}Z`,
      amount: numbers.below(1_000_000) / 100,
      url: `https://api.example.com/v1/orders/${id}/lines?expand=items`,
      digest: numbers.hex(40),
      state: WORDS[numbers.below(WORDS.length)],
      labels: [numbers.words(1), numbers.words(2)],
      description: `${numbers.words(18)}.`,
      paid: numbers.below(2) === 0,
      parent: null,
    });
  });
}

/** The same with line breaks, quotes, percent-encoded queries and text in base64, which all have to be undone. */
export function escapedJson(bytes: number): Buffer {
  return filled(bytes, (numbers) =>
    JSON.stringify({
      id: numbers.hex(24),
      body: `${numbers.words(12)}\n\n"${numbers.words(6)}" & ${numbers.words(12)}`,
      url: `https://api.example.com/search?q=${encodeURIComponent(numbers.words(4))}`,
      html: `<p>${numbers.words(8)} &amp; ${numbers.words(3)}</p>`,
      cursor: Buffer.from(JSON.stringify({ after: numbers.below(1_000_000), by: numbers.words(2) })).toString(
        'base64',
      ),
      count: numbers.below(10_000),
    }),
  );
}

/** Plain JSON with something to find in about every kilobyte. */
export function findingsJson(bytes: number): Buffer {
  return filled(bytes, (numbers) =>
    JSON.stringify({
      id: numbers.hex(24),
      text: numbers.words(100),
      email: `${numbers.hex(6)}@example.org`,
      card: 4_111_111_111_111_111,
    }),
  );
}

/** Bodies made to be slow to look through: as long as they are told to be. */
export const HOSTILE: Readonly<Record<string, (bytes: number) => string>> = {
  'at signs': (bytes) => 'a@'.repeat(bytes / 2),
  addresses: (bytes) => `${'a.'.repeat(30)}@${'b.'.repeat(30)}`.repeat(Math.ceil(bytes / 121)),
  digits: (bytes) => '4'.repeat(bytes),
  'spaced digits': (bytes) => '4111 '.repeat(bytes / 5),
  'digits and hyphens': (bytes) => '4-'.repeat(bytes / 2),
  letters: (bytes) => 'DE89'.repeat(bytes / 4),
  backslashes: (bytes) => '\\'.repeat(bytes),
  quotes: (bytes) => '"\\"'.repeat(bytes / 3),
  percents: (bytes) => '%25'.repeat(bytes / 3),
  'percent in percent': (bytes) => `%${'25'.repeat(bytes / 2)}`,
  entities: (bytes) => '&amp;'.repeat(bytes / 5),
  'entity in entity': (bytes) => `&${'amp;'.repeat(bytes / 4)}`,
  ampersands: (bytes) => '&#'.repeat(bytes / 2),
  'mixed escapes': (bytes) => '\\u0025&#37;%5c'.repeat(bytes / 14),
  'strings with entities': (bytes) => '"&lt;",'.repeat(bytes / 7),
  base64: (bytes) => nested(bytes, 'base64'),
  hexadecimal: (bytes) => nested(bytes, 'hex'),
  'base64 in lines': (bytes) =>
    (
      Buffer.from('text '.repeat(57 / 5 + 1))
        .toString('base64')
        .slice(0, 76) + '\n'
    ).repeat(bytes / 77),
  'base64 words': (bytes) => 'Zm9vYmFy/'.repeat(bytes / 9),
  'token headers': (bytes) => 'eyJ-'.repeat(bytes / 4),
  'token dots': (bytes) => 'eyJhbGciOiJIUzI1NiJ9.'.repeat(bytes / 21),
  'key beginnings': (bytes) => 'sk-'.repeat(bytes / 3),
  'slack beginnings': (bytes) => 'xoxb-1'.repeat(bytes / 6),
  'private keys': (bytes) => '-----BEGIN PRIVATE KEY-----'.repeat(bytes / 27),
  'begun private keys': (bytes) => '-----BEGIN '.repeat(bytes / 11),
  'parts of the secret': (bytes) => 'hunter2-hunter2-'.repeat(bytes / 16),
  brackets: (bytes) => '['.repeat(bytes),
};

/** What the scrubber looks for in all of these. */
export const BENCH_SECRET = 'hunter2-hunter2-hunter2-hunter2-x';

function nested(bytes: number, encoding: 'base64' | 'hex'): string {
  let text = 'plain text, to begin with; ';
  while (text.length < bytes / 2) text = Buffer.from(text.repeat(2)).toString(encoding);
  return text.repeat(2).slice(0, bytes);
}

function filled(bytes: number, item: (numbers: Numbers) => string): Buffer {
  const numbers = new Numbers(20_261_121);
  const items: string[] = [];
  for (let length = 0; length < bytes; length += (items.at(-1) ?? '').length + 1) items.push(item(numbers));
  return Buffer.from(`{"items":[${items.join(',')}],"next_cursor":null}`);
}

import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { WatchedExport, type WatchedForm } from '../../../src/cli/export/watched-export.js';
import { Progress } from '../../../src/cli/progress.js';

/** A terminal, and what was written to it. */
function screen(): Writable & { readonly isTTY: true; readonly text: string[] } {
  const text: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text.push(chunk.toString());
      done();
    },
  });
  return Object.assign(stream, { isTTY: true as const, text });
}

it('names how fast it goes where nobody knows how much there is, and else how much is done', () => {
  let now = 0;
  const stderr = screen();
  const progress = new Progress(stderr, 'records', () => now);
  now = 2_000;
  progress.report(5_000, undefined);
  now = 4_000;
  progress.report(7, undefined);
  now = 6_000;
  progress.report(50, 100);
  expect(stderr.text.map((line) => line.replace('\r\u001b[K', ''))).toEqual([
    '5000 records, 2500 a second',
    '7 records, 1.8 a second',
    `[${'#'.repeat(15)}${'.'.repeat(15)}] 50 of 100 records`,
  ]);
});

const CSV = 'index,text\r\n0,"a\r\nb ""c"""\r\n1,d\r\n';
const TABLE: readonly (readonly [WatchedForm, string, RegExp])[] = [
  [{ format: 'jsonl', compressed: false, filtered: false }, '{}\n{}\n{}\n{}\n', /\] 2 of 2 records/],
  [{ format: 'jsonl', compressed: false, filtered: true }, '{}\n{}\n', /1 records, [\d.]+ a second/],
  [{ format: 'csv', compressed: false, filtered: false }, CSV, /\] 2 of 2 records/],
  [{ format: 'ocsf', compressed: false, filtered: false }, '{}\n{}\n', /\] 2 of 2 records/],
  [{ format: 'cef', compressed: false, filtered: true }, 'CEF\n', /1 records, [\d.]+ a second/],
  [{ format: 'parquet', compressed: false, filtered: false }, 'x'.repeat(3 << 20), /3 MiB, [\d.]+ a second/],
  [{ format: 'jsonl', compressed: true, filtered: false }, 'x'.repeat(3 << 20), /3 MiB, [\d.]+ a second/],
];

it.each(TABLE)('an export %j is counted as it passes, and comes out as it was', async (form, text, shown) => {
  const stderr = screen();
  const bytes = Buffer.from(text);
  let now = 0;
  const watched = new WatchedExport(stderr, form, () => (now += 1_000));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 5))
        controller.enqueue(bytes.subarray(at, at + Math.ceil(bytes.length / 5)));
      controller.close();
    },
  });
  const seen: Uint8Array[] = [];
  for await (const piece of watched.of({ body, fromIndex: 10, toIndex: 12 })) seen.push(piece);
  watched.end();
  expect(Buffer.concat(seen).equals(bytes)).toBe(true);
  expect(stderr.text.at(-2)).toMatch(shown);
});

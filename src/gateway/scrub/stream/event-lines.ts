/** A server-sent event as its lines, a character for each byte. */
export class EventLines {
  /** What its `data` lines say. */
  readonly payload: string;
  /** All other lines as they are. */
  readonly others: string;
  /** Lines and what ends them, by turns. */
  readonly #lines: readonly string[];

  constructor(event: Buffer) {
    this.#lines = event.toString('latin1').split(/(\r\n|\n|\r)/);
    this.payload = this.#lines.filter(isData).map(valueOf).join('\n');
    this.others = this.#lines.filter((line) => !isData(line)).join('');
  }

  /** The event with other data in place of its first data line; the others of them are gone. */
  with(payload: string, others: string): Buffer {
    const end = this.#lines.find((line) => /^[\r\n]+$/.test(line)) ?? '\n';
    const data = payload
      .split('\n')
      .map((line) => `data: ${line}${end}`)
      .join('');
    if (others !== this.others) {
      const before = others.trim() === '' ? '' : end;
      return Buffer.from(`${others.replace(/[\r\n]+$/, '')}${before}${data}${end}`, 'latin1');
    }
    let result = '';
    let placed = false;
    for (let index = 0; index < this.#lines.length; index += 2) {
      const line = this.#lines[index] as string;
      if (!isData(line)) result += line + (this.#lines[index + 1] ?? '');
      else if (!placed) {
        result += data;
        placed = true;
      }
    }
    return Buffer.from(result, 'latin1');
  }
}

function isData(line: string): boolean {
  return line === 'data' || line.startsWith('data:');
}

function valueOf(line: string): string {
  return line.replace(/^data(?:: ?)?/, '');
}

import type { Header } from './export-lines.js';

/** Whether an entry of this index may follow `last`, without a word. */
export function isNext(index: number, last: number | undefined, header: Header): boolean {
  const next = last === undefined ? header.from_index : last + 1;
  return header.filtered ? index >= next : index === next;
}

/** Says what is wrong with the place of an entry behind `last`, if anything is. */
export function checkOrder(
  index: number,
  last: number | undefined,
  header: Header,
  found: (problem: string) => void,
): void {
  const next = last === undefined ? header.from_index : last + 1;
  if (index >= header.size) found(`the entry is beyond the size ${header.size} that the header names`);
  if (index < next) found(misplaced(index, last));
  else if (index > next && !header.filtered)
    found(index === next + 1 ? `entry ${next} is missing` : `entries ${next} to ${index - 1} are missing`);
}

function misplaced(index: number, last: number | undefined): string {
  if (last === undefined) return 'the entry is before the index that the header begins with';
  return index === last
    ? 'the entry stands here twice'
    : `the entry is out of order: ${last} stands before it`;
}

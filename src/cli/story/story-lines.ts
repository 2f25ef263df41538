import type { StoryView } from '../../sdk/api-types.js';
import { harmless, styled } from '../terminal.js';
import { headOf, momentsOf } from './merged.js';

/** A story as a timeline for people: what the run was, then one line a moment, with the day where it changes. */
export async function* storyLines(
  pages: AsyncIterable<StoryView>,
  terminal: boolean,
): AsyncGenerator<string, void, undefined> {
  let head = '';
  let day = '';
  const moments = momentsOf(pages, (page) => {
    const entries = headOf(page).filter(([, value]) => value !== '');
    head = entries
      .map(([name, value]) => `${styled(name.padEnd(10), 'dim', terminal)}${oneLine(value)}\n`)
      .join('');
  });
  for await (const moment of moments) {
    if (head !== '') yield head;
    head = '';
    if (moment.time.slice(0, 10) !== day) {
      day = moment.time.slice(0, 10);
      yield `\n${styled(oneLine(day), 'bold', terminal)}\n`;
    }
    const bad = moment.outcome === 'refused' || moment.outcome === 'failure' || moment.chapter === 'alert';
    const says = oneLine(moment.says);
    const step = moment.step === '' ? '' : ` [${oneLine(moment.step)}]`;
    const place = moment.index === undefined ? '' : styled(` #${moment.index}`, 'dim', terminal);
    yield `${oneLine(moment.time.slice(11, 23)).padEnd(12)}  ${moment.chapter.padEnd(10)}  ${bad ? styled(says, 'red', terminal) : says}${step} ${styled(`(${oneLine(moment.actor)})`, 'dim', terminal)}${place}\n`;
  }
  if (head !== '') yield `${head}\nThe log says nothing more.\n`;
}

function oneLine(text: string): string {
  return harmless(text).replace(/[\t\n]/g, ' ');
}
